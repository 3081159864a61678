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
    /** It is open, bound to no browser, and the caller's own network asked for it. */
    isOwn: boolean
  }
  /** Who is known by that address. */
  person?: Person
  /** The session that makes the browser known to that person. */
  knownBy?: string
  /** The first-party client that a direct sign-in is for. */
  client?: Client
  /** What a direct sign-in's tokens are for. */
  defaultResources: string[]
  wait: number
  /** Nothing may be sent to that address. */
  suppressed: boolean
}

/** Where the message of a challenge went, in that spelling; undefined once its key is destroyed. */
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
 * A challenge of an address, the person known by that address, and the state of the limits. The challenge is the named one, or one that is
 * bound to no browser: the open one that the caller's network asked for, or else the newest. One statement.
 * @param input.digest keyed digest of the normalised address
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
  if (!row) throw new Error('a look-up without a row')
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
