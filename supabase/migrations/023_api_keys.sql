-- API keys. Names and descriptions are sealed under the creator's data key.
create table auth_gateway.api_keys (
  id              uuid primary key,
  owner_type      text not null check (owner_type in ('person', 'organization')),
  owner_id        uuid not null,
  organization_id uuid not null,
  created_by      uuid not null,
  origin          text not null check (origin in ('owner', 'import')),
  -- The key that it was made from, and all of that key's ancestors, the first one first. It ends with each of them.
  parent_id       uuid,
  ancestors       uuid[] not null default '{}',
  -- Row id of the application that made it for its owner.
  application     uuid,
  status          text not null check (status in ('active', 'quarantined', 'revoked', 'deleted')),
  name            text,
  description     text,
  name_digest     bytea,
  preview         text not null,
  scopes          text[] not null,
  access_level    text not null,
  key_context     text,
  service         text not null check (service in ('all', 'specific')),
  service_scopes  jsonb not null,
  binding         jsonb,
  limits          jsonb,
  networks        inet[],
  consumer        text,
  expires_at      timestamptz,
  rotations       integer not null default 0,
  rotated_at      timestamptz,
  -- The event that the owner still has to be notified of (a leak, a coming expiry).
  notice_event    uuid,
  notice_kind     text,
  warned_of       timestamptz,
  created_at      timestamptz not null,
  ended_at        timestamptz,
  end_reason      text,
  version         integer not null
);
create unique index api_keys_name on auth_gateway.api_keys (owner_id, name_digest) where status in ('active', 'quarantined');
create index api_keys_created_by on auth_gateway.api_keys (created_by);
create index api_keys_owner on auth_gateway.api_keys (owner_id, created_at) where status <> 'deleted';
create index api_keys_expiry on auth_gateway.api_keys (expires_at) where status = 'active' and expires_at is not null;
create index api_keys_imported on auth_gateway.api_keys (id) where origin = 'import' and status = 'active';
create index api_keys_notice on auth_gateway.api_keys (id) where notice_event is not null;

create function auth_gateway.project_api_key(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  s jsonb := e.data->'settings';
begin
  case e.event_type
    when 'ApiKeyCreated' then
      insert into api_keys (id, owner_type, owner_id, organization_id, created_by, origin, parent_id, ancestors, application, status,
        name, description, name_digest, preview, scopes, access_level, key_context, service, service_scopes, binding, limits, networks,
        consumer, expires_at, created_at, version)
      values (e.stream_id, e.data->>'ownerType', (e.data->>'ownerId')::uuid, (e.data->>'organizationId')::uuid,
        (e.data->>'createdBy')::uuid, e.data->>'origin', (e.data->>'parent')::uuid,
        coalesce((select p.ancestors || p.id from api_keys p where p.id = (e.data->>'parent')::uuid), '{}'),
        (e.data->>'application')::uuid, 'active', e.data->'sealed'->>'name', e.data->'sealed'->>'description',
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'api_key_name'), e.data->>'preview',
        array(select jsonb_array_elements_text(s->'scopes')), s->>'accessLevel', s->>'keyContext', s->>'service',
        s->'serviceScopes', s->'binding', s->'limits', array(select jsonb_array_elements_text(s->'networks'))::inet[],
        s->>'consumer', (s->>'expiresAt')::timestamptz, e.recorded_at, e.version);
    when 'ApiKeyUpdated' then
      update api_keys set name = e.data->'sealed'->>'name', description = e.data->'sealed'->>'description',
        name_digest = (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'api_key_name'),
        scopes = array(select jsonb_array_elements_text(s->'scopes')), access_level = s->>'accessLevel',
        key_context = s->>'keyContext', service = s->>'service', service_scopes = s->'serviceScopes', binding = s->'binding',
        limits = s->'limits', networks = array(select jsonb_array_elements_text(s->'networks'))::inet[], consumer = s->>'consumer',
        expires_at = (s->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'ApiKeyNarrowed' then
      update api_keys set scopes = array(select jsonb_array_elements_text(s->'scopes')), access_level = s->>'accessLevel',
        service = s->>'service', service_scopes = s->'serviceScopes', binding = s->'binding', limits = s->'limits',
        networks = array(select jsonb_array_elements_text(s->'networks'))::inet[], expires_at = (s->>'expiresAt')::timestamptz,
        version = e.version
      where id = e.stream_id;
    when 'ApiKeyChildCreated' then
      update api_keys set version = e.version where id = e.stream_id;
    when 'ApiKeyRotated' then
      update api_keys set status = 'active', preview = e.data->>'preview', rotations = rotations + 1, rotated_at = e.recorded_at,
        expires_at = coalesce((e.data->>'expiresAt')::timestamptz, expires_at),
        notice_event = null, notice_kind = null, ended_at = null, end_reason = null, version = e.version
      where id = e.stream_id;
    when 'ApiKeyRevoked' then
      update api_keys set status = 'revoked', ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
    when 'ApiKeyQuarantined' then
      update api_keys set status = 'quarantined', ended_at = e.recorded_at, end_reason = e.data->>'reason',
        notice_event = e.event_id, notice_kind = 'api_key_leaked', version = e.version
      where id = e.stream_id;
    when 'ApiKeyLeakReported' then
      update api_keys set notice_event = e.event_id, notice_kind = 'api_key_leaked', version = e.version where id = e.stream_id;
    when 'ApiKeyExpiryWarned' then
      update api_keys set notice_event = e.event_id, notice_kind = 'api_key_expiring',
        warned_of = (e.data->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'ApiKeyOwnerNotified' then
      update api_keys set version = e.version,
        notice_event = case when notice_event::text = e.data->>'messageId' then null else notice_event end,
        notice_kind = case when notice_event::text = e.data->>'messageId' then null else notice_kind end
      where id = e.stream_id;
    when 'ApiKeyDeleted' then
      update api_keys set status = 'deleted', name = null, description = null, name_digest = null, notice_event = null,
        notice_kind = null, ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('api_keys', 'api_key', 'project_api_key');

-- SHA-256 (lower-case hex) of the secrets of a key: the current one, and after a rotation with overlap its predecessor.
-- An imported hash keeps its row, so it cannot be given to two keys.
create table auth_gateway.api_key_secrets (
  hash       text primary key,
  key_id     uuid not null,
  expires_at timestamptz
);
create index api_key_secrets_key on auth_gateway.api_key_secrets (key_id);

create function auth_gateway.project_api_key_secret(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ApiKeyCreated' then
      insert into api_key_secrets (hash, key_id) values (e.data->>'secretHash', e.stream_id);
    when 'ApiKeyRotated' then
      if e.data ? 'previousExpiresAt' then
        delete from api_key_secrets where key_id = e.stream_id and expires_at is not null;
        update api_key_secrets set expires_at = (e.data->>'previousExpiresAt')::timestamptz where key_id = e.stream_id;
      else
        delete from api_key_secrets where key_id = e.stream_id;
      end if;
      insert into api_key_secrets (hash, key_id) values (e.data->>'secretHash', e.stream_id);
    when 'ApiKeyDeleted' then
      delete from api_key_secrets where key_id = e.stream_id;
    when 'ApiKeyUpdated', 'ApiKeyNarrowed', 'ApiKeyChildCreated', 'ApiKeyRevoked', 'ApiKeyQuarantined', 'ApiKeyLeakReported',
      'ApiKeyExpiryWarned', 'ApiKeyOwnerNotified' then
      null;
  end case;
end $$;

insert into auth_gateway.read_models values ('api_key_secrets', 'api_key', 'project_api_key_secret');

-- Use of keys: counted, not events.
create table auth_gateway.api_key_activity (
  key_id       uuid primary key,
  last_used_at timestamptz,
  -- Counted only for keys with max_uses.
  limited_uses integer not null default 0
);

create table auth_gateway.api_key_usage (
  key_id uuid not null,
  day    date not null,
  uses   integer not null,
  primary key (key_id, day)
);

-- Adds collected uses: [{"key_id", "uses"}].
create function auth_gateway.note_api_key_uses(p_uses jsonb) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  insert into api_key_activity as a (key_id, last_used_at)
  select u.key_id, now() from jsonb_to_recordset(p_uses) as u(key_id uuid) order by 1
  on conflict (key_id) do update set last_used_at = excluded.last_used_at;
  insert into api_key_usage as d (key_id, day, uses)
  select u.key_id, (now() at time zone 'UTC')::date, u.uses from jsonb_to_recordset(p_uses) as u(key_id uuid, uses int) order by 1
  on conflict (key_id, day) do update set uses = d.uses + excluded.uses;
$$;

-- Counts one use against the limits of a key and of its ancestors. Returns {"wait": seconds until the rate limits open, "exhausted": no use
-- is left, "left": uses that remain}. A refused use does not count against max_uses.
create function auth_gateway.count_api_key_use(k auth_gateway.api_keys, p_service jsonb) returns jsonb
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_line uuid[] := array(select x.id from api_keys x where x.id = any (k.ancestors) and x.limits is not null) || k.id;
  v_wait integer;
  v_left integer;
begin
  v_wait := hit_rate_limits((
    select coalesce(jsonb_agg(jsonb_build_object('bucket', b.bucket, 'seconds', b.seconds, 'max', b.max)), '[]')
    from (
      select format('api-key:%s:%s', l.seconds, l.counter) as bucket, l.seconds, min(l.max) as max
      from api_keys x
      left join lateral (select value from jsonb_array_elements(x.service_scopes)
        where value->>'service_key' = p_service->>'service_key' limit 1) s on true
      cross join lateral (select case when x.limits->>'counted_by' = 'owner' then 'owner:' || x.owner_id else 'key:' || x.id end as counter,
        format('key:%s:%s', x.id, p_service->>'service_key') as service) c
      cross join lateral (values (60, c.counter, (x.limits->>'max_calls_per_minute')::int),
        (86400, c.counter, (x.limits->>'max_calls_per_day')::int), (60, c.service, (s.value->>'max_calls_per_minute')::int),
        (86400, c.service, (s.value->>'max_calls_per_day')::int)) as l(seconds, counter, max)
      where x.id = any (k.ancestors || k.id) and l.max is not null
      group by 1, 2) b));
  if v_wait > 0 then
    return jsonb_build_object('wait', v_wait, 'exhausted', false);
  end if;
  insert into api_key_activity (key_id) select unnest(v_line) order by 1 on conflict do nothing;
  perform 1 from api_key_activity a where a.key_id = any (v_line) order by a.key_id for update;
  select min((x.limits->>'max_uses')::int - a.limited_uses) into v_left
  from api_keys x join api_key_activity a on a.key_id = x.id where x.id = any (v_line);
  if v_left <= 0 then
    return jsonb_build_object('wait', 0, 'exhausted', true);
  end if;
  update api_key_activity a set limited_uses = a.limited_uses + 1,
    last_used_at = case when a.key_id = k.id then now() else a.last_used_at end
  where a.key_id = any (v_line);
  insert into api_key_usage as d (key_id, day, uses) values (k.id, (now() at time zone 'UTC')::date, 1)
  on conflict (key_id, day) do update set uses = d.uses + 1;
  return jsonb_build_object('wait', 0, 'exhausted', false, 'left', v_left - 1);
end $$;

-- Returns what a verification needs of a presented key, without its sealed columns, and counts the use of a limited key. Null when no live
-- key has the hash, or its person or application is not active.
--   p_address the caller's address, p_service the service that is called (null: unknown)
-- A use of a bound key is counted by count_bound_api_key_use, after the caller's proof.
create function auth_gateway.check_api_key(p_hash text, p_address inet, p_service text) returns json
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  k api_keys;
  v_person record;
  v_used timestamptz;
  v_service jsonb;
  v_address_allowed boolean;
  v_count jsonb;
begin
  select x.* into k from api_key_secrets s join api_keys x on x.id = s.key_id
  where s.hash = p_hash and (s.expires_at is null or s.expires_at > now());
  if k.id is null or k.status <> 'active' or k.expires_at <= now() then
    return null;
  end if;
  if k.ancestors <> '{}' and exists (select from api_keys a where a.id = any (k.ancestors)
    and (a.status <> 'active' or a.expires_at <= now())) then
    return null;
  end if;
  if k.application is not null
    and not exists (select from api_clients c where c.id = k.application and c.status = 'active') then
    return null;
  end if;
  select i.* into v_person from identities own join person_facts i on i.uai = own.canonical_uai
  where own.uai = k.created_by and i.identity_status = 'active';
  if not found then
    return null;
  end if;
  v_address_allowed := coalesce(cardinality(k.networks), 0) = 0 or coalesce(p_address <<= any (k.networks), false);
  if k.service = 'specific' and p_service is not null then
    select value into v_service from jsonb_array_elements(k.service_scopes) where value->>'service_key' = p_service;
  end if;
  if k.limits is null and v_service->>'max_calls_per_minute' is null and v_service->>'max_calls_per_day' is null then
    select last_used_at into v_used from api_key_activity where key_id = k.id;
  elsif v_address_allowed and k.binding is null then
    v_count := count_api_key_use(k, v_service);
  end if;
  k.name := null;
  k.description := null;
  k.name_digest := null;
  return json_build_object(
    'key', row_to_json(k),
    'person', row_to_json(v_person),
    'addressAllowed', v_address_allowed,
    'service', v_service,
    'activityStale', v_used is null or v_used < now() - interval '1 minute',
    'count', v_count);
end $$;

-- Counts a use of a bound key, and claims the nonce of a signed request: a replayed one does not count.
create function auth_gateway.count_bound_api_key_use(p_id uuid, p_service jsonb, p_nonce bytea, p_nonce_expires timestamptz)
returns jsonb
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  k api_keys;
begin
  if p_nonce is not null and not claim_once('api-key-nonce', p_nonce, p_nonce_expires) then
    return jsonb_build_object('wait', 0, 'exhausted', false, 'replayed', true);
  end if;
  select * into k from api_keys where id = p_id;
  return count_api_key_use(k, p_service);
end $$;

grant execute on function auth_gateway.note_api_key_uses, auth_gateway.check_api_key, auth_gateway.count_bound_api_key_use to
  auth_gateway_app;
