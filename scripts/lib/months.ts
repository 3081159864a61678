import type postgres from 'postgres'
import type { AnySql } from '../../shared/queries/event-records.ts'

/** Days after the end of a month before it may be archived: until then news of messages may still come. */
const SETTLED_DAYS = 30

export type Month = {
  /** YYYY-MM */
  month: string
  partition: string
  bytes: number
  /** Why it cannot be archived; null when it can. */
  obstacle: string | null
}

/** The months of short-lived streams that stand in the event store, oldest first. */
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

/** Why a month cannot be archived: something of it, or that came from it, can still be used. Null when nothing can. */
export async function obstacleTo(sql: AnySql, { month, partition }: Pick<Month, 'month' | 'partition'>) {
  const [row] = await sql<{ obstacle: string | null }[]>`
    with bounds as (
      select start, start + interval '1 month' as until from (select ${`${month}-01`}::timestamp as start) as s),
    ids as (
      select auth_gateway.uuid_v7_floor(start at time zone 'UTC') as low, auth_gateway.uuid_v7_floor(until at time zone 'UTC') as high,
        until at time zone 'UTC' + make_interval(days => ${SETTLED_DAYS}) as settled from bounds)
    select case
      when now() < i.settled then 'it ends on ' || to_char(i.settled at time zone 'UTC' - make_interval(days => ${SETTLED_DAYS}), 'YYYY-MM-DD') ||
        ', and ' || ${SETTLED_DAYS}::text || ' days must pass'
      when exists (select 1 from auth_gateway.sessions s where s.ended_at is null and s.expires_at > now()
        and (s.id >= i.low and s.id < i.high or s.opened_from >= i.low and s.opened_from < i.high))
        then 'sessions that began in it, or were opened from one, still stand'
      when exists (select 1 from auth_gateway.token_families f where f.revoked_at is null and f.expires_at > now()
        and (f.id >= i.low and f.id < i.high or f.session_id >= i.low and f.session_id < i.high
          or exists (select 1 from unnest(f.ancestors) as a(id) where a.id >= i.low and a.id < i.high)))
        then 'tokens that began in it, or came from what did, still stand'
      when exists (select 1 from auth_gateway.${sql(partition)} e where e.position > (select position from auth_gateway.audit_tree))
        then 'events of it are in no checkpoint yet'
      end as obstacle
    from ids i`
  return row?.obstacle ?? null
}
