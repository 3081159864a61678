-- Other identity providers that people sign in with. A client secret stands in event_secrets, sealed.
create table auth_gateway.connections (
  id           uuid primary key,
  slug         text not null,
  status       text not null check (status in ('enabled', 'disabled', 'removed')),
  settings     jsonb not null,
  secret_event uuid,
  added_at     timestamptz not null,
  version      integer not null
);
create unique index connections_slug on auth_gateway.connections (lower(slug)) where status <> 'removed';

-- Whether somebody can sign in by a credential: an account of a vendor, or of a provider that is not connected, only names them.
create function auth_gateway.is_way_in(c auth_gateway.credentials) returns boolean
language sql stable set search_path = auth_gateway, pg_temp as $$
  select c.digest is not null and (c.kind <> 'external' or c.provider = 'supabase'
    or exists (select 1 from connections x where lower(x.slug) = c.provider and x.status = 'enabled'));
$$;
grant execute on function auth_gateway.is_way_in(auth_gateway.credentials) to auth_gateway_app;

create function auth_gateway.project_connection(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ConnectionAdded' then
      insert into connections (id, slug, status, settings, secret_event, added_at, version)
      values (e.stream_id, e.data->'settings'->>'slug', 'enabled', e.data->'settings', e.event_id, e.recorded_at, e.version);
    when 'ConnectionChanged' then
      update connections set settings = e.data->'settings', slug = e.data->'settings'->>'slug', version = e.version where id = e.stream_id;
    when 'ConnectionSecretReplaced' then
      update connections set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'ConnectionDisabled' then
      update connections set status = 'disabled', version = e.version where id = e.stream_id;
    when 'ConnectionEnabled' then
      update connections set status = 'enabled', version = e.version where id = e.stream_id;
    when 'ConnectionRemoved' then
      update connections set status = 'removed', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_connections() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate connections;
  perform project_connection(e) from event_store e where e.stream_type = 'connection' order by e.position;
end $$;
