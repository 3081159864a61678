import { createHmac } from 'node:crypto'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'

type WithRing = Pick<Gateway, 'ring'>

/** Whether a client gets pairwise identifiers; first-party applications get the UAI (OpenID Connect Core section 8). */
export const isPairwise = ({ metadata, first_party }: Client) => metadata.subject_type === 'pairwise' && !first_party

/**
 * Clients of one sector get the same identifier for a person: those of one host, or of one list of redirect URIs. A client without a
 * host is a sector of its own.
 */
function sectorOf({ client_id, metadata }: Client): string {
  const { sector_identifier_uri, redirect_uris } = metadata
  if (sector_identifier_uri) return new URL(sector_identifier_uri).host
  const [first = ''] = redirect_uris
  return first.startsWith('https:') ? new URL(first).host : client_id
}

const pairwise = ({ ring }: WithRing, client: Client, kind: string, value: string) =>
  createHmac('sha256', ring.key('pairwise-subject'))
    .update(`${kind}\n${sectorOf(client)}\n${value}`)
    .digest('base64url')

/** The `sub` of a person for a client: the UAI, or an opaque pairwise identifier (OpenID Connect Core section 8.1). */
export function subjectOf(gateway: WithRing, client: Client, { uai }: Pick<Person, 'uai'>): string {
  return isPairwise(client) ? pairwise(gateway, client, 'sub', uai) : uai
}

/** The `sid` of a session for a client, pairwise so that two clients cannot correlate a person by it. */
export function sessionNameFor(gateway: WithRing, client: Client, sessionId: string): string {
  return isPairwise(client) ? pairwise(gateway, client, 'sid', sessionId) : sessionId
}

/** Whether a client's `sub` identifies this person, also from before a merge or a change of its `subject_type`. */
export function isSubject(gateway: WithRing, client: Client, { members }: Pick<Person, 'members'>, sub = ''): boolean {
  return (
    members.includes(sub) || (isPairwise(client) && members.some((uai) => subjectOf(gateway, client, { uai }) === sub))
  )
}
