import { createHmac } from 'node:crypto'
import type { Gateway } from '../gateway.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'

type Derive = Pick<Gateway, 'derive'>

/** Whether a client knows people by identifiers of its own; LanOnasis applications know the UAI (OpenID Connect Core section 8). */
export const isPairwise = ({ metadata, first_party }: Client) => metadata.subject_type === 'pairwise' && !first_party

/**
 * Clients of one sector know a person by the same identifier: those of one host, or of one list of redirect URIs. A program without
 * a host is a sector of its own.
 */
function sectorOf({ client_id, metadata }: Client): string {
  const { sector_identifier_uri, redirect_uris } = metadata
  if (sector_identifier_uri) return new URL(sector_identifier_uri).host
  const [first = ''] = redirect_uris
  return first.startsWith('https:') ? new URL(first).host : client_id
}

const pairwise = ({ derive }: Derive, client: Client, kind: string, value: string) =>
  createHmac('sha256', derive('pairwise-subject'))
    .update(`${kind}\n${sectorOf(client)}\n${value}`)
    .digest('base64url')

/** What a client knows a person by: the UAI, or an identifier that nobody else has and nothing can be told from (Core section 8.1). */
export function subjectOf(gateway: Derive, client: Client, { uai }: Pick<Person, 'uai'>): string {
  return isPairwise(client) ? pairwise(gateway, client, 'sub', uai) : uai
}

/** What a client knows a session by, so that sessions tell no two clients of the same person. */
export function sessionNameFor(gateway: Derive, client: Client, sessionId: string): string {
  return isPairwise(client) ? pairwise(gateway, client, 'sid', sessionId) : sessionId
}

/** Whether a client's `sub` is this person, also from before a merge or a change of its `subject_type`. */
export function isSubject(gateway: Derive, client: Client, { members }: Pick<Person, 'members'>, sub = ''): boolean {
  return (
    members.includes(sub) || (isPairwise(client) && members.some((uai) => subjectOf(gateway, client, { uai }) === sub))
  )
}
