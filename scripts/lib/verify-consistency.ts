import type postgres from 'postgres'
import type { Report } from './findings.ts'
import { listReadModels, type ReadModel } from './rebuild-models.ts'

type Row = Parameters<Report>[0]

/** Checks everything that must agree with the chains: global uniqueness, heads, causes, digests, secrets and read models. */
export async function verifyConsistency(sql: postgres.TransactionSql, report: Report): Promise<void> {
  const models = (await listReadModels(sql)).filter(({ streamColumn }) => streamColumn)
  const statements = [
    duplicates(sql, 'position'),
    duplicates(sql, 'event_id'),
    heads(sql),
    causes(sql),
    digests(sql),
    secrets(sql),
    ...models.map((model) => rows(sql, model)),
  ]
  for (const statement of statements) for (const row of await statement) report(row)
}

const eventColumns = (sql: postgres.TransactionSql) =>
  sql`e.position, e.stream_type, e.stream_id, e.version, e.event_type as type`

function duplicates(sql: postgres.TransactionSql, column: 'position' | 'event_id') {
  return sql<Row[]>`
    select ${`duplicate_${column}`}::text as fault, ${eventColumns(sql)} from auth_gateway.event_store e
    where e.${sql(column)} in (
      select ${sql(column)} from auth_gateway.event_store group by ${sql(column)} having count(*) > 1)`
}

function heads(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    with last as (
      select distinct on (stream_type, stream_id) stream_type, stream_id, version, position, event_type, hash
      from auth_gateway.event_store order by stream_type, stream_id, version desc
    )
    select case
        when h.version is null then 'head_missing'
        when e.version is null then 'stream_missing'
        when h.version > e.version then 'tail_missing'
        else 'head_differs' end as fault,
      e.position, stream_type, stream_id, coalesce(e.version, h.version) as version, e.event_type as type
    from last e full join auth_gateway.stream_heads h using (stream_type, stream_id)
    where h.version is distinct from e.version or h.hash is distinct from e.hash`
}

/** An archived event may be the cause of one that is still stored: for that time, only the audit tree shows what is missing. */
function causes(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    select 'cause_missing' as fault, ${eventColumns(sql)} from auth_gateway.event_store e
    where e.metadata ? 'causationId'
      and not exists (select 1 from auth_gateway.event_store c where c.event_id::text = e.metadata->>'causationId')
      and not (e.metadata->>'causationId' < (
        select auth_gateway.uuid_v7_floor(max((a.data->>'endedBy')::timestamptz))::text from auth_gateway.event_store a
        where a.stream_type = 'archive') is true)`
}

function digests(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    select case when e.event_id is null then 'digest_orphaned' else 'digest_misplaced' end as fault, 'lookup_digests' as "table",
      e.position, d.stream_type, d.stream_id, e.version, e.event_type as type
    from auth_gateway.lookup_digests d left join auth_gateway.event_store e on e.event_id = d.event_id
    where (e.stream_type, e.stream_id, e.subject) is distinct from (d.stream_type, d.stream_id, d.subject)`
}

function secrets(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    select 'secret_orphaned' as fault, 'event_secrets' as "table", null as position, s.name as stream_type, s.stream_id
    from auth_gateway.event_secrets s
    where not exists (select 1 from auth_gateway.event_store e where e.event_id = s.event_id and e.stream_id = s.stream_id)`
}

function rows(sql: postgres.TransactionSql, { name, streamType, streamColumn = 'id' }: ReadModel) {
  return sql<Row[]>`
    with heads as (select * from auth_gateway.stream_heads where stream_type = ${streamType})
    select case when h.version is null then 'row_orphaned' else 'row_version' end as fault, ${name}::text as "table",
      null as position, ${streamType}::text as stream_type, r.${sql(streamColumn)} as stream_id,
      r.version
    from auth_gateway.${sql(name)} r left join heads h on h.stream_id = r.${sql(streamColumn)}
    where h.version is distinct from r.version`
}
