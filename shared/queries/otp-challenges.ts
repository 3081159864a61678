import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { RateLimit, StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import type { Client } from './api-clients.ts'
import { type Person, type PersonRow, toPerson } from './person.ts'
import { limitsParameter } from './rate-limits.ts'

export type OtpFacts = {
  challenge?: { id: string; events: StoredEvent[]; wrappedKey: Uint8Array | null }
  /** Who is known by that address. */
  person?: Person
  /** The first-party client that a direct sign-in is for. */
  client?: Client
  /** What a direct sign-in's tokens are for. */
  defaultResources: string[]
  wait: number
  /** Nothing may be sent to that address. */
  suppressed: boolean
}

type OtpRow = {
  challenge_id: string | null
  challenge_key: string | null
  events: StoredEvent[]
  client: Client | null
  default_resources: string[] | null
  person: PersonRow | null
  wait: number
  suppressed: boolean
}

/**
 * The newest challenge of an address that is not bound to a browser (or the named one), the person known by that address, and the state of the limits.
 * One statement.
 * @param input.digest keyed digest of the normalised address
 */
export async function findOtp(
  sql: postgres.Sql,
  personal: Personal,
  input: {
    digest: Uint8Array
    credentialKind: 'email' | 'phone'
    challengeId?: string
    clientId?: string
    limits: RateLimit[]
  },
): Promise<OtpFacts> {
  const { digest, credentialKind, challengeId, clientId, limits } = input
  const [row] = await atOnce(sql<{ found: OtpRow }[]>`
    select auth_gateway.find_otp(${Buffer.from(digest)}, ${credentialKind}, ${challengeId ?? null}, ${clientId ?? null},
      ${limitsParameter(sql, limits)}) as found`)
  if (!row) throw new Error('a look-up without a row')
  const { challenge_id: id, challenge_key: key, events, client, person, wait, suppressed } = row.found
  return {
    challenge: id ? { id, events, wrappedKey: key === null ? null : Buffer.from(key, 'base64') } : undefined,
    person: person ? toPerson(personal, person) : undefined,
    client: client ?? undefined,
    defaultResources: row.found.default_resources ?? [],
    wait,
    suppressed,
  }
}
