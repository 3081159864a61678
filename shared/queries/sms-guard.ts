import type postgres from 'postgres'
import { EVERYWHERE } from '../domain/sms-breaker.ts'
import type { RateLimit } from '../events/store.ts'
import { waitColumn } from './rate-limits.ts'

export type SmsGuard = {
  /** Until when nothing goes to that country; `Infinity` until an operator lifts it. */
  stoppedUntil?: number
  /** Codes of the last hour to that country that had time to be entered, since an operator last lifted a stop. */
  sent: number
  entered: number
  /** Seconds until the day's messages are no longer used up. */
  wait: number
}

/** What says whether a text message may go to a country. One statement. */
export async function findSmsGuard(
  sql: postgres.Sql,
  { country, limits }: { country: string; limits: RateLimit[] },
): Promise<SmsGuard> {
  const [row] = await sql<{ stopped: number | null; sent: number; entered: number; wait: number }[]>`
    select extract(epoch from (
        select max(b.until) from auth_gateway.sms_breakers b
        where b.country in (${country}, ${EVERYWHERE}) and b.lifted_at is null and b.until > now()
      ))::float8 * 1000 as stopped, ${waitColumn(sql, limits)}, o.sent, o.entered
    from (
      select count(*)::int as sent, count(*) filter (where c.status = 'consumed')::int as entered
      from auth_gateway.otp_challenges c
      where c.channel = 'sms' and c.country = ${country} and c.status <> 'undelivered'
        and c.issued_at < now() - interval '2 minutes'
        and c.issued_at > greatest(now() - interval '1 hour',
          (select max(b.lifted_at) from auth_gateway.sms_breakers b where b.country = ${country}))
    ) o`
  if (!row) throw new Error('a look-up without a row')
  return { ...row, stoppedUntil: row.stopped ?? undefined }
}

export type BreakerRecord = {
  id: string
  country: string
  cause: string
  sent: number
  entered: number | null
  until: Date | null
  tripped_at: Date
}

/** What stops text messages now, newest first. */
export function listBreakers(sql: postgres.Sql): Promise<BreakerRecord[]> {
  return sql<BreakerRecord[]>`
    select b.id, b.country, b.cause, b.sent, b.entered, nullif(b.until, 'infinity') as until, b.tripped_at
    from auth_gateway.sms_breakers b where b.lifted_at is null and b.until > now() order by b.id desc`
}
