import type postgres from 'postgres'
import type { RateLimit } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import type { Person } from './person.ts'
import { waitColumn } from './rate-limits.ts'

export type TotpRecord = {
  id: string
  uai: string
  lastStep: number
  failures: number
  /** Base32; undefined when the person was forgotten. */
  secret?: string
  enrolledAt: Date
  lastUsedAt: Date
  version: number
  wrappedKey: Uint8Array | null
}

type Row = {
  id: string
  uai: string
  last_step: string
  failures: number
  enrolled_at: Date
  last_used_at: Date
  version: number
  sealed: Uint8Array | null
  wrapped_key: Uint8Array | null
  wait: number
}

/** The authenticators of a person, oldest first, and the seconds until the limits are open. One statement. */
export async function listAuthenticators(
  sql: postgres.Sql,
  personal: Personal,
  { members }: Pick<Person, 'members'>,
  limits: RateLimit[] = [],
): Promise<{ authenticators: TotpRecord[]; wait: number }> {
  const rows = await sql<Row[]>`
    select a.id, a.uai, a.last_step, a.failures, a.enrolled_at, a.last_used_at, a.version, s.sealed, k.wrapped_key,
      ${waitColumn(sql, limits)}
    from auth_gateway.totp_authenticators a
    left join auth_gateway.event_secrets s on s.event_id = a.secret_event and s.name = 'totp_secret'
    left join auth_gateway.subject_keys k on k.subject = a.uai
    where a.uai = any (${members}) and a.secret_event is not null order by a.id`
  return { authenticators: rows.map((row) => toRecord(personal, row)), wait: rows[0]?.wait ?? 0 }
}

function toRecord(personal: Personal, row: Row): TotpRecord {
  const { uai, sealed, wrapped_key } = row
  const key = wrapped_key ? personal.unwrap(uai, wrapped_key) : undefined
  return {
    id: row.id,
    uai,
    lastStep: Number(row.last_step),
    failures: row.failures,
    secret: key && sealed ? personal.open(uai, key, Buffer.from(sealed).toString('base64')) : undefined,
    enrolledAt: row.enrolled_at,
    lastUsedAt: row.last_used_at,
    version: row.version,
    wrappedKey: wrapped_key,
  }
}
