import type postgres from 'postgres'
import type { Report } from './findings.ts'
import { listReadModels, type ReadModel } from './rebuild-models.ts'

type Row = Parameters<Report>[0]

/** Checks everything that must agree with the chains: global uniqueness, heads, causes, digests, secrets, keys and read models. */
export async function verifyConsistency(sql: postgres.TransactionSql, report: Report): Promise<void> {
  const models = (await listReadModels(sql)).filter(({ streamColumn }) => streamColumn)
  const statements = [
    duplicates(sql, 'position'),
    duplicates(sql, 'event_id'),
    heads(sql),
    causes(sql),
    orphanedDigests(sql),
    orphanedSecrets(sql),
    changedDigests(sql),
    changedSecrets(sql),
    changedKeys(sql),
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

function orphanedDigests(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    select case when e.event_id is null then 'digest_orphaned' else 'digest_misplaced' end as fault, 'lookup_digests' as "table",
      e.position, d.stream_type, d.stream_id, e.version, e.event_type as type
    from auth_gateway.lookup_digests d left join auth_gateway.event_store e on e.event_id = d.event_id
    where (e.stream_type, e.stream_id, e.subject) is distinct from (d.stream_type, d.stream_id, d.subject)`
}

function orphanedSecrets(sql: postgres.TransactionSql) {
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

/** The erased subjects: identities, and the challenges that their erasure names. */
const forgotten = (sql: postgres.TransactionSql) => sql`
  forgotten as materialized (
    select stream_id as subject from auth_gateway.event_store where stream_type = 'identity' and event_type = 'IdentityErased'
    union
    select f.id::uuid from auth_gateway.event_store e cross join lateral jsonb_array_elements_text(e.data->'forgotten') as f(id)
    where e.stream_type = 'identity' and e.event_type = 'IdentityErased')`

/** Digests, secrets and keys are stored next to events, since they may be erased; the metadata of the events has their hashes. */
function changedDigests(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    with ${forgotten(sql)}
    select case when d.event_id is null then 'digest_missing' else 'digest_differs' end as fault, 'lookup_digests' as "table",
      e.position, e.stream_type, e.stream_id, e.version
    from auth_gateway.event_store e cross join lateral jsonb_each_text(e.metadata->'digests') as m(kind, said)
    full join auth_gateway.lookup_digests d on d.event_id = e.event_id and d.kind = m.kind
    where m.said is distinct from encode(sha256(d.salt || d.digest), 'hex') and e.event_id is not null
      and (d.event_id is not null or e.subject not in (select subject from forgotten))
    union all
    select 'digest_differs', 'lookup_digests', e.position, e.stream_type, e.stream_id, e.version
    from auth_gateway.lookup_digests d join auth_gateway.event_store e on e.event_id = d.event_id
    where not coalesce(e.metadata->'digests' ? d.kind, false)`
}

/**
 * A stored value, the secret of an authenticator, or a connection's key is destroyed when nothing refers to it any more; the upstream session of
 * another provider, when its person is erased.
 */
function changedSecrets(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    with ${forgotten(sql)}
    select case when s.event_id is null then 'secret_missing' else 'secret_differs' end as fault, 'event_secrets' as "table",
      e.position, e.stream_type, e.stream_id, e.version
    from auth_gateway.event_store e cross join lateral jsonb_each(e.metadata->'secrets') as m(name, said)
    left join auth_gateway.event_secrets s on s.event_id = e.event_id and s.name = m.name
    where case when s.event_id is null
      then coalesce((m.said->>'expiresAt')::timestamptz > now(), true)
        and not (m.name = 'stored_value' and not exists (select 1 from auth_gateway.stored_keys k where k.value_event = e.event_id))
        and not (m.name = 'totp_secret' and not exists (
          select 1 from auth_gateway.totp_authenticators a where a.secret_event = e.event_id))
        and not (m.name = 'private_key' and not auth_gateway.is_connection_key(e.event_id))
        and not (m.name = 'upstream' and e.subject in (select subject from forgotten))
      else m.said->>'sha256' <> encode(sha256(s.sealed), 'hex')
        or (m.said->>'expiresAt')::timestamptz is distinct from s.expires_at end
    union all
    select 'secret_differs', 'event_secrets', e.position, e.stream_type, e.stream_id, e.version
    from auth_gateway.event_secrets s join auth_gateway.event_store e on e.event_id = s.event_id
    where not coalesce(e.metadata->'secrets' ? s.name, false)`
}

function changedKeys(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    with ${forgotten(sql)},
    named as (
      select position, stream_type, stream_id, version, metadata->>'subjectKey' as said
      from auth_gateway.event_store where version = 1 and metadata ? 'subjectKey')
    select case when k.subject is null then 'key_missing' when n.said is null then 'key_orphaned' else 'key_differs' end as fault,
      'subject_keys' as "table", n.position, n.stream_type, coalesce(n.stream_id, k.subject) as stream_id, n.version
    from named n full join auth_gateway.subject_keys k on k.subject = n.stream_id
    where n.said is distinct from encode(sha256(k.wrapped_key), 'hex')
      and (k.subject is not null or n.stream_id not in (select subject from forgotten))`
}
