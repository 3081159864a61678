import { truncate } from 'node:fs/promises'
import path from 'node:path'
import type postgres from 'postgres'

const PAGE_BYTES = 8192
const ROWS_PER_PAGE = 40
const ENTRIES_PER_PAGE = 150

/** Tables whose rows operators add, one by one. All others grow with people, applications or requests. */
const FEW = new Set([
  'archives',
  'audit_log',
  'connections',
  'hooks',
  'key_ring',
  'protected_resources',
  'read_models',
  'signing_keys',
  'sms_breakers',
  'webhook_cursors',
  'webhooks',
])

/** Tables that grow, from the catalogue: those that may have more than one row, without what operators add. */
export async function growingTables(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relnamespace = 'auth_gateway'::regnamespace and c.relkind in ('r', 'p') and not exists (
      select 1 from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and pg_get_constraintdef(k.oid) = 'CHECK (one)')`
  return rows.map(({ name }) => name).filter((name) => !FEW.has(name))
}

/**
 * Makes the planner see a number of rows in every table that grows: by pages that were added and not yet filled, which are zeros and
 * need no room on disk, and by statistics.
 */
export async function growTo(sql: postgres.Sql, tables: string[], rows: number): Promise<void> {
  const [settings] = await sql<{ data_directory: string }[]>`show data_directory`
  const relations = await sql<{ name: string; isIndex: boolean; file: string | null; pages: number }[]>`
    select c.relname as name, c.relkind = 'i' as "isIndex", pg_relation_filepath(c.oid) as file,
      coalesce(pg_relation_size(c.oid) / ${PAGE_BYTES}, 0)::integer as pages
    from pg_class c left join pg_index x on x.indexrelid = c.oid join pg_class t on t.oid = coalesce(x.indrelid, c.oid)
    where t.relnamespace = 'auth_gateway'::regnamespace and t.relname = any (${tables}) and c.relkind in ('r', 'i', 'p')`
  for (const { name, isIndex, file, pages } of relations) {
    const grown = Math.max(pages, Math.ceil(rows / (isIndex ? ENTRIES_PER_PAGE : ROWS_PER_PAGE)))
    if (file) await truncate(path.join(settings?.data_directory ?? '', file), grown * PAGE_BYTES)
    if (!isIndex)
      await sql`select pg_restore_relation_stats('schemaname', 'auth_gateway', 'relname', ${name}::text,
        'relpages', ${grown}::integer, 'reltuples', ${rows}::real)`
  }
  // A few rows for each id and digest, one for each position, times of a
  // year; where expired rows are swept, expiries of a month to come. Of other columns the planner knows nothing.
  await sql`
    with columns as (
      select c.relname::text as t, a.attname::text as name, a.atttypid::regtype::text as type, c.relkind = 'p' as parts,
        a.attname = 'expires_at' and to_regclass('auth_gateway.' || c.relname || '_expiry') is not null as swept
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'auth_gateway'::regnamespace and c.relname = any (${tables}) and a.attnum > 0 and not a.attisdropped),
    restored as (
      select pg_restore_attribute_stats('schemaname', 'auth_gateway', 'relname', t, 'attname', name, 'inherited', parts,
        'null_frac', 0::real, 'avg_width', 16, 'n_distinct', (case when type = 'bigint' then -1 else -0.3 end)::real)
      from columns where type in ('uuid', 'bytea', 'bigint'))
    select count(*), count(pg_restore_attribute_stats('schemaname', 'auth_gateway', 'relname', t, 'attname', name, 'inherited', parts,
      'null_frac', 0::real, 'avg_width', 8, 'n_distinct', -1::real, 'histogram_bounds', (
        select array_agg(now() - make_interval(hours => 24 * (d - case when swept then 30 else 0 end) - 1) order by d desc)::text
        from generate_series(0, case when swept then 30 else 365 end) d)))
    from columns cross join (select count(*) from restored) x where type = 'timestamp with time zone'`
}
