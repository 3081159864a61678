create table auth_gateway.organizations (
  id         uuid primary key,
  kind       text not null check (kind in ('personal', 'team')),
  owner      uuid not null,
  created_at timestamptz not null,
  version    integer not null
);
create index organizations_owner on auth_gateway.organizations (owner);

create function auth_gateway.project_organization(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'OrganizationCreated' then
      insert into organizations (id, kind, owner, created_at, version)
      values (e.stream_id, e.data->>'kind', (e.data->>'owner')::uuid, e.recorded_at, e.version);
  end case;
end $$;

create function auth_gateway.rebuild_organizations() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate organizations;
  perform project_organization(e) from event_store e where e.stream_type = 'organization' order by e.position;
end $$;
