-- Projects of stored keys. Details are sealed under the owner's data key.
create table auth_gateway.projects (
  id              uuid primary key,
  owner_id        uuid not null,
  organization_id uuid not null,
  members         uuid[] not null,
  status          text not null check (status in ('active', 'deleted')),
  details         text,
  name_digest     bytea,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  version         integer not null
);
create unique index projects_name on auth_gateway.projects (owner_id, name_digest) where status = 'active';
create index projects_members on auth_gateway.projects using gin (members);

create function auth_gateway.project_project(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_members uuid[] := array(select jsonb_array_elements_text(e.data->'members'))::uuid[];
  v_digest bytea := (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'project_name');
begin
  case e.event_type
    when 'ProjectCreated' then
      insert into projects (id, owner_id, organization_id, members, status, details, name_digest, created_at, updated_at, version)
      values (e.stream_id, (e.data->>'ownerId')::uuid, (e.data->>'organizationId')::uuid, v_members, 'active',
        e.data->'sealed'->>'details', v_digest, e.recorded_at, e.recorded_at, e.version);
    when 'ProjectUpdated' then
      update projects set members = v_members, details = e.data->'sealed'->>'details', name_digest = v_digest,
        updated_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'ProjectDeleted' then
      update projects set status = 'deleted', members = '{}', details = null, name_digest = null, updated_at = e.recorded_at,
        version = e.version
      where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('projects', 'project', 'project_project');

-- Secrets that people store in a project. Only the newest value is stored, sealed in event_secrets; details are sealed under the data key of
-- the creator.
create table auth_gateway.stored_keys (
  id                 uuid primary key,
  project_id         uuid not null,
  organization_id    uuid not null,
  created_by         uuid not null,
  removed            boolean not null default false,
  details            text,
  name_digest        bytea,
  key_type           text not null,
  environment        text not null,
  access_level       text not null,
  status             text not null,
  rotation_frequency text,
  expires_at         timestamptz,
  value_event        uuid,
  last_rotated       timestamptz,
  created_at         timestamptz not null,
  updated_at         timestamptz not null,
  version            integer not null
);
create unique index stored_keys_name on auth_gateway.stored_keys (project_id, name_digest) where not removed;
create index stored_keys_value on auth_gateway.stored_keys (value_event);
create index stored_keys_created_by on auth_gateway.stored_keys (created_by) where name_digest is not null;

create function auth_gateway.project_stored_key(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_digest bytea := (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'stored_key_name');
begin
  case e.event_type
    when 'StoredKeyAdded' then
      insert into stored_keys (id, project_id, organization_id, created_by, details, name_digest, key_type, environment, access_level,
        status, rotation_frequency, expires_at, value_event, created_at, updated_at, version)
      values (e.stream_id, (e.data->>'projectId')::uuid, (e.data->>'organizationId')::uuid, (e.data->>'createdBy')::uuid,
        e.data->'sealed'->>'details', v_digest, e.data->>'keyType', e.data->>'environment', e.data->>'accessLevel', e.data->>'status',
        e.data->>'rotationFrequency', (e.data->>'expiresAt')::timestamptz, e.event_id, e.recorded_at, e.recorded_at, e.version);
    when 'StoredKeyUpdated' then
      update stored_keys set details = e.data->'sealed'->>'details', name_digest = v_digest, key_type = e.data->>'keyType',
        environment = e.data->>'environment', access_level = e.data->>'accessLevel', status = e.data->>'status',
        rotation_frequency = e.data->>'rotationFrequency', expires_at = (e.data->>'expiresAt')::timestamptz,
        updated_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'StoredKeyValueReplaced' then
      update stored_keys set value_event = e.event_id, last_rotated = e.recorded_at, updated_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'StoredKeyRemoved' then
      update stored_keys set removed = true, details = null, name_digest = null, value_event = null, updated_at = e.recorded_at,
        version = e.version
      where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('stored_keys', 'stored_key', 'project_stored_key');

-- How often the value of a key was read: counted, not an event.
create table auth_gateway.stored_key_reads (
  key_id uuid primary key,
  reads  integer not null
);

create function auth_gateway.note_stored_key_read(p_id uuid) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  insert into stored_key_reads as r (key_id, reads) values (p_id, 1) on conflict (key_id) do update set reads = r.reads + 1
$$;

create index event_secrets_values on auth_gateway.event_secrets (event_id) where name = 'stored_value';

grant execute on function auth_gateway.note_stored_key_read to auth_gateway_app;
