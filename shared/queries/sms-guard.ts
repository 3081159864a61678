import type postgres from 'postgres'
import { EVERYWHERE } from '../domain/sms-breaker.ts'
import type { RateLimit } from '../events/store.ts'
import { waitColumn } from './rate-limits.ts'

export type SmsGuard = {
  /** Until when newcomers of that country get no messages. */
  stoppedUntil?: number
  /** Codes to that country in the last hour, and since its last stop or lift, that had time to be entered. */
  sent: number
  entered: number
  /** Those sent too recently to be entered. */
  underWay: number
  /** Breakers of that country that tripped in the last day and were not lifted. */
  earlier: number
  /** Active breakers for the rest of the day, with the number of messages sent before each. */
  dayStops: { id: string; sent: number }[]
  /** Seconds until the daily cap is no longer reached. */
  wait: number
  /** Seconds until the sources of codes that are not entered are open again. */
  sourceWait: number
}

type Source = { kind: string; digest: string; max: number | null; seconds: number }

/** Reads the state that decides whether a text message may be sent to a country. One statement. */
export async function findSmsGuard(
  sql: postgres.Sql,
  { country, limits, sources }: { country: string; limits: RateLimit[]; sources: Source[] },
): Promise<SmsGuard> {
  const [row] = await sql<(Omit<SmsGuard, 'stoppedUntil'> & { stopped: number | null })[]>`
    select extract(epoch from (
        select max(b.until) from auth_gateway.sms_breakers b
        where b.country = ${country} and b.lifted_at is null and b.until > now()
      ))::float8 * 1000 as stopped, ${waitColumn(sql, limits)}, o.sent, o.entered, o.under_way as "underWay",
      (select count(*)::int from auth_gateway.sms_breakers b where b.country = ${country} and b.lifted_at is null
        and b.tripped_at > now() - interval '1 day') as earlier,
      (select coalesce(json_agg(json_build_object('id', b.id, 'sent', b.sent)), '[]') from auth_gateway.sms_breakers b
        where b.country = ${EVERYWHERE} and b.lifted_at is null and b.until > now()) as "dayStops",
      auth_gateway.sms_source_wait(${sql.json(sources)}) as "sourceWait"
    from (
      select count(*) filter (where c.status = 'consumed')::int as entered,
        count(*) filter (where c.issued_at < now() - interval '2 minutes')::int as sent,
        count(*) filter (where c.issued_at >= now() - interval '2 minutes' and c.status = 'open')::int as under_way
      from auth_gateway.otp_challenges c
      where c.channel = 'sms' and c.country = ${country} and c.status <> 'undelivered'
        and c.issued_at > greatest(now() - interval '1 hour',
          (select max(coalesce(b.lifted_at, b.until)) from auth_gateway.sms_breakers b where b.country = ${country}))
    ) o`
  if (!row) throw new Error('lookup returned no row')
  return { ...row, stoppedUntil: row.stopped ?? undefined }
}

type BreakerRecord = {
  id: string
  country: string
  cause: string
  sent: number
  entered: number | null
  until: Date | null
  tripped_at: Date
}

/** The active stops of text messages, newest first. */
export function listBreakers(sql: postgres.Sql): Promise<BreakerRecord[]> {
  return sql<BreakerRecord[]>`
    select b.id, b.country, b.cause, b.sent, b.entered, nullif(b.until, 'infinity') as until, b.tripped_at
    from auth_gateway.sms_breakers b where b.lifted_at is null and b.until > now() order by b.id desc`
}
