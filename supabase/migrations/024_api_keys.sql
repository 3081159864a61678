-- API keys, their secrets by hash, and what their use counts. Names and descriptions are sealed under the creator's data key.
create table auth_gateway.api_keys (
  id              uuid primary key,
  owner_type      text not null check (owner_type in ('person', 'organization')),
  owner_id        uuid not null,
  organization_id uuid not null,
  created_by      uuid not null,
  origin          text not null check (origin in ('owner', 'import')),
  -- The key that it was made from, and all before it, the first one first. It ends with each of them.
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
  -- The event a notice is owed for (a finding, a coming expiry), until the owner was told.
  notice_event    uuid,
  notice_kind     text,
  warned_of       timestamptz,
  created_at      timestamptz not null,
  ended_at        timestamptz,
  end_reason      text,
  version         integer not null
);
create unique index api_keys_name on auth_gateway.api_keys (owner_id, name_digest) where status in ('active', 'quarantined');
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
      insert into api_keys (id, owner_type, owner_id, organization_id, created_by, origin, parent_id, ancestors, application, status, name, description, name_digest,
        preview, scopes, access_level, key_context, service, service_scopes, binding, limits, networks, consumer, expires_at,
        created_at, version)
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

create function auth_gateway.rebuild_api_keys() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate api_keys;
  perform project_api_key(e) from event_store e where e.stream_type = 'api_key' order by e.position;
end $$;
