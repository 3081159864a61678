import type postgres from 'postgres'
import type { Report } from './findings.ts'

type Row = Parameters<Report>[0]

/**
 * Compares the digests, secrets and keys that are stored next to events, and may be erased, with the metadata of the events; secrets and keys
 * that were sealed again, with the batches of the rewrap.
 */
export async function verifyErasable(sql: postgres.TransactionSql, report: Report): Promise<void> {
  for (const statement of [digests(sql), secrets(sql), keys(sql)]) for (const row of await statement) report(row)
}

/** The erased subjects: identities, and the challenges that their erasure names. */
const forgotten = (sql: postgres.TransactionSql) => sql`
  forgotten as materialized (
    select stream_id as subject from auth_gateway.event_store where stream_type = 'identity' and event_type = 'IdentityErased'
    union
    select f.id::uuid from auth_gateway.event_store e cross join lateral jsonb_array_elements_text(e.data->'forgotten') as f(id)
    where e.stream_type = 'identity' and e.event_type = 'IdentityErased')`

function digests(sql: postgres.TransactionSql) {
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
function secrets(sql: postgres.TransactionSql) {
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
      else case when s.batch is null then m.said->>'sha256' <> encode(sha256(s.sealed), 'hex')
          else not auth_gateway.is_rewrapped('event_secrets ' || s.event_id || ' ' || s.name, s.sealed, s.batch, s.leaf, s.salt) end
        or (m.said->>'expiresAt')::timestamptz is distinct from s.expires_at end
    union all
    select 'secret_differs', 'event_secrets', e.position, e.stream_type, e.stream_id, e.version
    from auth_gateway.event_secrets s join auth_gateway.event_store e on e.event_id = s.event_id
    where not coalesce(e.metadata->'secrets' ? s.name, false)`
}

function keys(sql: postgres.TransactionSql) {
  return sql<Row[]>`
    with ${forgotten(sql)},
    named as (
      select position, stream_type, stream_id, version, metadata->>'subjectKey' as said
      from auth_gateway.event_store where version = 1 and metadata ? 'subjectKey')
    select case when k.subject is null then 'key_missing' when n.said is null then 'key_orphaned' else 'key_differs' end as fault,
      'subject_keys' as "table", n.position, n.stream_type, coalesce(n.stream_id, k.subject) as stream_id, n.version
    from named n full join auth_gateway.subject_keys k on k.subject = n.stream_id
    where case when k.batch is null or n.said is null then n.said is distinct from encode(sha256(k.wrapped_key), 'hex')
        else auth_gateway.is_rewrapped('subject_keys ' || k.subject, k.wrapped_key, k.batch, k.leaf, k.salt) is not true end
      and (k.subject is not null or n.stream_id not in (select subject from forgotten))`
}
