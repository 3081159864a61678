import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { RateLimit, StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import type { Client } from './api-clients.ts'
import { type Person, type PersonRow, toPerson } from './person.ts'
import { limitsParameter } from './rate-limits.ts'

export type OtpFacts = {
  challenge?: {
    id: string
    events: StoredEvent[]
    wrappedKey: Uint8Array | null
    /** It is open, bound to no browser, and was requested from the caller's network. */
    isOwn: boolean
  }
  /** The person with that address. */
  person?: Person
  /** The session that makes the browser known to that person. */
  knownBy?: string
  /** The first-party client that a direct sign-in is for. */
  client?: Client
  /** Resources of a direct sign-in's tokens. */
  defaultResources: string[]
  wait: number
  /** The address is suppressed. */
  suppressed: boolean
}

/** The address of a challenge as entered; undefined once its key is destroyed. */
export function addressOfChallenge(
  personal: Personal,
  { id, events, wrappedKey }: NonNullable<OtpFacts['challenge']>,
): string | undefined {
  const { sealed } = (events[0]?.data ?? {}) as { sealed?: { address?: string } }
  return wrappedKey && sealed?.address ? personal.openWrapped(id, wrappedKey, sealed.address) : undefined
}

type OtpRow = {
  challenge_id: string | null
  is_own: boolean
  challenge_key: string | null
  events: StoredEvent[]
  client: Client | null
  default_resources: string[] | null
  person: PersonRow | null
  known_by: string | null
  wait: number
  suppressed: boolean
}

/**
 * A challenge of an address, the person with that address, and the state of the limits. The challenge is the named one, or one not
 * bound to a browser: the open one requested from the caller's network, or else the newest. One statement.
 * @param input.digest keyed digest of the normalized address
 * @param input.network keyed digest of that address and the caller's network
 * @param input.sessions that this browser was signed in with
 */
export async function findOtp(
  sql: postgres.Sql,
  personal: Personal,
  input: {
    digest: Uint8Array
    credentialKind: 'email' | 'phone'
    challengeId?: string
    clientId?: string
    network?: Uint8Array
    sessions?: string[]
    limits: RateLimit[]
  },
): Promise<OtpFacts> {
  const { digest, credentialKind, challengeId, clientId, network, sessions = [], limits } = input
  const [row] = await atOnce(sql<{ found: OtpRow }[]>`
    select auth_gateway.find_otp(${Buffer.from(digest)}, ${credentialKind}, ${challengeId ?? null}, ${clientId ?? null},
      ${network ? Buffer.from(network) : null}, ${sessions.length > 0 ? sql.json(sessions) : null}, ${limitsParameter(sql, limits)}) as found`)
  if (!row) throw new Error('lookup returned no row')
  const { challenge_id: id, challenge_key: key, events, client, person, wait, suppressed } = row.found
  const wrappedKey = key === null ? null : Buffer.from(key, 'base64')
  return {
    challenge: id ? { id, events, wrappedKey, isOwn: row.found.is_own } : undefined,
    person: person ? toPerson(personal, person) : undefined,
    knownBy: row.found.known_by ?? undefined,
    client: client ?? undefined,
    defaultResources: row.found.default_resources ?? [],
    wait,
    suppressed,
  }
}
