import type postgres from 'postgres'
import type { AnySql } from '../../shared/queries/event-records.ts'

/** Days after the end of a month before it can be archived: until then delivery statuses of messages may arrive. */
const SETTLED_DAYS = 30

export type Month = {
  /** YYYY-MM */
  month: string
  partition: string
  bytes: number
  /** Why it cannot be archived; null when it can. */
  obstacle: string | null
}

/** Lists the months of short-lived streams in the event store, oldest first. */
export async function listMonths(sql: postgres.Sql): Promise<Month[]> {
  const found = await sql<{ partition: string; bytes: string }[]>`
    select c.relname as partition, pg_total_relation_size(c.oid)::text as bytes
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'auth_gateway.event_store_short_lived'::regclass and c.relname ~ '^event_store_\\d{4}_\\d\\d$'
    order by c.relname`
  const months: Month[] = []
  for (const { partition, bytes } of found) {
    const month = partition.slice(-7).replace('_', '-')
    months.push({ month, partition, bytes: Number(bytes), obstacle: await obstacleTo(sql, { month, partition }) })
  }
  return months
}

/** The range of ids of streams that began in a month, and conditions for sessions `s` and token families `f` that began in it or descend from those. */
const partsOf = (sql: AnySql, month: string) => ({
  ids: sql`
    select auth_gateway.uuid_v7_floor(start at time zone 'UTC') as low,
      auth_gateway.uuid_v7_floor((start + interval '1 month') at time zone 'UTC') as high,
      (start + interval '1 month') at time zone 'UTC' as until from (select ${`${month}-01`}::timestamp as start) as m`,
  sessions: sql`(s.id >= i.low and s.id < i.high or s.opened_from >= i.low and s.opened_from < i.high)`,
  families: sql`(f.id >= i.low and f.id < i.high or f.session_id >= i.low and f.session_id < i.high
    or exists (select 1 from unnest(f.ancestors) as a(id) where a.id >= i.low and a.id < i.high))`,
})

/** Returns when the last stream of an archivable month, and the last of their descendants, ended. */
export async function endOf(sql: AnySql, { month, partition }: Pick<Month, 'month' | 'partition'>): Promise<Date> {
  const { ids, sessions, families } = partsOf(sql, month)
  const [row] = await sql<{ ended: Date }[]>`
    select greatest(i.until, (select max(recorded_at) from auth_gateway.${sql(partition)}),
      (select max(least(s.expires_at, s.ended_at)) from auth_gateway.sessions s where ${sessions}),
      (select max(least(f.expires_at, f.revoked_at)) from auth_gateway.token_families f where ${families})) as ended
    from (${ids}) as i`
  if (!row) throw new Error('lookup returned no row')
  return row.ended
}

/** Returns why a month cannot be archived: something that began in it, or descends from that, is still valid. Null when it can. */
export async function obstacleTo(sql: AnySql, { month, partition }: Pick<Month, 'month' | 'partition'>) {
  const { ids, sessions, families } = partsOf(sql, month)
  const [row] = await sql<{ obstacle: string | null }[]>`
    select case
      when now() < i.until + make_interval(days => ${SETTLED_DAYS}) then 'it ends on ' || to_char(i.until at time zone 'UTC', 'YYYY-MM-DD') ||
        ', and ' || ${SETTLED_DAYS}::text || ' days must pass'
      when exists (select 1 from auth_gateway.sessions s where s.ended_at is null and s.expires_at > now() and ${sessions})
        then 'sessions that began in it, or were opened from one, are still active'
      when exists (select 1 from auth_gateway.token_families f where f.revoked_at is null and f.expires_at > now() and ${families})
        then 'tokens that began in it, or descend from it, are still valid'
      when exists (select 1 from auth_gateway.${sql(partition)} e where e.position > (select position from auth_gateway.audit_tree))
        then 'some of its events are in no checkpoint yet'
      end as obstacle
    from (${ids}) as i`
  return row?.obstacle ?? null
}

/** SHA-256 of the positions of archived events `x`, ascending, a LF after each: the event of an archive identifies them by it. */
export const positionsSha256 = (sql: AnySql) => sql`
  encode(sha256(convert_to(coalesce(string_agg(x.position || E'\n', '' order by x.position), ''), 'UTF8')), 'hex')`
