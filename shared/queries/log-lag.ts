import type postgres from 'postgres'

/** The transaction that blocks settling of the log: the oldest that has written, in any database of the server. */
export type BlockingTransaction = {
  /** Process id of its backend; null for a prepared transaction. */
  pid: number | null
  /** Id of a prepared transaction. */
  prepared: string | null
  database: string | null
  role: string | null
  application: string | null
  /** Null if not visible to the role. */
  client: string | null
  state: string | null
  started_at: Date | null
}

export type WebhookLag = {
  id: string
  name: string
  organization_id: string | null
  /** Age of the oldest event that it has not received. */
  seconds: number
  events: number
  dead: number
}

/** The lag of everything that follows the log. Ages are in seconds; 0 means no lag. */
export type LogLag = {
  /** Age of the newest checkpoint; null if there is none. */
  checkpointAge: number | null
  /** Age of the oldest event that no checkpoint covers. */
  uncoveredAge: number
  /** Age of the oldest unpublished checkpoint. */
  unpublishedAge: number
  /** Age of the oldest unsent message. */
  unsentAge: number
  /** Whether the partition of the next month exists, and whether streams are in the default partition. */
  partitionsAhead: boolean
  strayStreams: boolean
  webhooks: WebhookLag[]
  blocking: BlockingTransaction | null
}

/**
 * Reads the lag in one statement, by index scans: `offset 0` lets the planner look up the secret of each message instead of joining all.
 * Details of other roles that `auth_gateway_app` may not see are null.
 */
export async function readLogLag(sql: postgres.Sql): Promise<LogLag> {
  const age = (at: postgres.Fragment) => sql`coalesce(extract(epoch from clock_timestamp() - (${at})), 0)::float8`
  const after = (position: postgres.Fragment) => sql`
    select e.recorded_at from auth_gateway.event_store e where e.position > ${position} order by e.position limit 1`
  const [row] = await sql<LogLag[]>`
    select (select extract(epoch from clock_timestamp() - c.made_at)::float8
        from auth_gateway.audit_checkpoints c order by c.size desc limit 1) as "checkpointAge",
      ${age(after(sql`(select t.position from auth_gateway.audit_tree t)`))} as "uncoveredAge",
      ${age(sql`select min(c.made_at) from auth_gateway.audit_checkpoints c where c.published_at is null`)} as "unpublishedAge",
      ${age(sql`select min(m.queued_at) from auth_gateway.messages m where m.queued_at > now() - interval '1 day'
        and (m.status = 'queued' or m.status = 'failed' and m.retryable) and exists (
          select 1 from auth_gateway.event_secrets s where s.stream_id = m.id and s.name = 'message' and s.expires_at > now() offset 0)`)}
        as "unsentAge",
      to_regclass('auth_gateway.event_store_' || to_char(now() at time zone 'UTC' + interval '1 month', 'YYYY_MM')) is not null
        as "partitionsAhead",
      pg_relation_size('auth_gateway.event_store_short_lived_default') > 0 as "strayStreams",
      (select coalesce(json_agg(x order by x.id), '[]') from (
        select w.id, w.settings->>'name' as name, w.organization_id,
          greatest(${age(after(sql`p.position`))}, ${age(sql`
            select e.recorded_at from auth_gateway.webhook_deliveries d join auth_gateway.event_store e on e.position = d.position
            where d.webhook_id = w.id and d.status = 'waiting' order by d.position limit 1`)}) as seconds,
          greatest(0, (select max(e.position) from auth_gateway.event_store e) - p.position) as events,
          (select count(*) from auth_gateway.webhook_deliveries d where d.webhook_id = w.id and d.status = 'dead') as dead
        from auth_gateway.webhooks w left join auth_gateway.webhook_cursors c on c.webhook_id = w.id
        cross join lateral (
          select case when c.delivered_since = w.delivered_since then c.position else w.delivered_after end as position) p
        where w.status = 'active') x) as webhooks,
      (select to_json(b) from (
        select l.pid, x.gid as prepared, coalesce(a.datname, x.database) as database, coalesce(a.usename, x.owner) as role,
          a.application_name as application, host(a.client_addr) as client, a.state, coalesce(a.xact_start, x.prepared) as started_at
        from pg_locks l left join pg_stat_activity a on a.pid = l.pid
        left join pg_prepared_xacts x on x.transaction = l.transactionid
        where (select h.transaction_id from auth_gateway.log_horizon h) >= pg_snapshot_xmin(pg_current_snapshot())
          and l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
          and l.transactionid = pg_snapshot_xmin(pg_current_snapshot())::xid limit 1) b) as blocking`
  if (!row) throw new Error('log lag returned no row')
  const { blocking } = row
  return {
    ...row,
    blocking: blocking && { ...blocking, started_at: blocking.started_at && new Date(blocking.started_at) },
  }
}
