-- Projects that stored keys belong to. What their owner wrote is sealed under the owner's data key.
create table auth_gateway.projects (
  id              uuid primary key,
  owner_id        uuid not null,
  organization_id uuid not null,
  members         uuid[] not null,
  status          text not null check (status in ('live', 'deleted')),
  details         text,
  name_digest     bytea,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  version         integer not null
);
create unique index projects_name on auth_gateway.projects (owner_id, name_digest) where status = 'live';
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
      values (e.stream_id, (e.data->>'ownerId')::uuid, (e.data->>'organizationId')::uuid, v_members, 'live',
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

create function auth_gateway.rebuild_projects() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate projects;
  perform project_project(e) from event_store e where e.stream_type = 'project' order by e.position;
end $$;
