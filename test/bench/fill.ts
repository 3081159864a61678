import type { BenchDatabase } from './database.ts'

const TABLES = [
  'api_keys',
  'api_key_secrets',
  'identities',
  'subject_keys',
  'sessions',
  'session_activity',
  'token_families',
]

/** Fills what the hot reads look into up to so many people, each with a key, a session and a token family, which no one presents. */
export async function fill({ sql }: BenchDatabase, total: number): Promise<void> {
  const [row] = await sql`select count(*)::int as n from auth_gateway.api_keys`
  const missing = total - (row?.n ?? 0)
  if (missing <= 0) return
  await sql`
    with made as materialized (
      select gen_random_uuid() as uai, gen_random_uuid() as key, gen_random_uuid() as session, gen_random_uuid() as family
      from generate_series(1, ${missing}::int)),
    client as (select id from auth_gateway.api_clients limit 1),
    people as (
      insert into auth_gateway.identities (uai, status, role, plan, organization_id, canonical_uai, members, organizations, created_at,
        version)
      select uai, 'active', 'user', 'free', uai, uai, array[uai], array[uai], now(), 1 from made),
    data_keys as (
      insert into auth_gateway.subject_keys (subject, wrapped_key)
      select uai, sha256(uuid_send(uai)) || substr(sha256(uuid_send(key)), 1, 28) from made),
    keys as (
      insert into auth_gateway.api_keys (id, owner_type, owner_id, organization_id, created_by, origin, status, preview, scopes,
        access_level, service, service_scopes, created_at, version)
      select key, 'person', uai, uai, uai, 'owner', 'active', 'lano_xxxx…xxxx', '{memories:read}', 'authenticated', 'all', '[]', now(), 1
      from made),
    secrets as (
      insert into auth_gateway.api_key_secrets (hash, key_id) select encode(sha256(uuid_send(key)), 'hex'), key from made),
    activity as (
      insert into auth_gateway.session_activity (session_id, last_seen_at) select session, now() from made),
    sessions as (
      insert into auth_gateway.sessions (id, uai, platform, project_scope, method, amr, acr, started_at, idle_seconds, expires_at, version)
      select session, uai, 'web', 'lanonasis-maas', 'otp', '{otp}', 'urn:lanonasis:acr:verified-address', now(), 604800,
        now() + interval '30 days', 1 from made)
    insert into auth_gateway.token_families (id, kind, uai, client_id, session_id, scope, resources, offline, expires_at, started_at,
      version)
    select family, 'session', uai, client.id, session, '{memories:read}', '{}', false, now() + interval '90 days', now(), 1
    from made, client`
  for (const table of TABLES) await sql`vacuum analyze ${sql(`auth_gateway.${table}`)}`
}
