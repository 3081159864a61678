import type postgres from 'postgres'
import type { RateLimit, StoredEvent } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn } from './api-clients.ts'
import { suppressedColumn } from './messages.ts'
import { joinPerson, type Person, type PersonRow, personColumns, toPerson } from './person.ts'
import { waitColumn } from './rate-limits.ts'

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

type OtpRow = PersonRow & {
  challenge_id: string | null
  events: StoredEvent[] | null
  challenge_key: Uint8Array | null
  client: Client | null
  default_resources: string[] | null
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
  const kinds = input.challengeId ? ['otp_address', 'otp_browser_address'] : ['otp_address']
  const [row] = await sql<OtpRow[]>`
    with challenge as (
      select d.stream_id as id from auth_gateway.lookup_digests d
      where d.kind = any (${kinds}) and d.digest = ${Buffer.from(input.digest)}
        and (${input.challengeId ?? null}::uuid is null or d.stream_id = ${input.challengeId ?? null}::uuid)
      order by d.stream_id desc limit 1
    )
    select ch.id as challenge_id, ck.wrapped_key as challenge_key,
      (select jsonb_agg(jsonb_build_object('event_id', e.event_id, 'version', e.version, 'type', e.event_type, 'data', e.data)
        order by e.version) from auth_gateway.event_store e where e.stream_type = 'otp_challenge' and e.stream_id = ch.id) as events,
      ${clientColumn(sql, input.clientId)},
      (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default) as default_resources,
      ${waitColumn(sql, input.limits)}, ${suppressedColumn(sql, input.digest)}, ${personColumns(sql)}
    from (select 1) as one
    left join challenge ch on true
    left join auth_gateway.subject_keys ck on ck.subject = ch.id
    left join auth_gateway.credentials c on c.kind = ${input.credentialKind} and c.digest = ${Buffer.from(input.digest)}
    ${joinPerson(sql, sql`c.uai`)}`
  if (!row) throw new Error('a look-up without a row')
  return {
    challenge: row.challenge_id
      ? { id: row.challenge_id, events: row.events ?? [], wrappedKey: row.challenge_key }
      : undefined,
    person: row.uai ? toPerson(personal, row) : undefined,
    client: row.client ?? undefined,
    defaultResources: row.default_resources ?? [],
    wait: row.wait,
    suppressed: row.suppressed,
  }
}
