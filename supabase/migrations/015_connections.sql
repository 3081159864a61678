-- External identity providers. A client secret is in event_secrets, sealed.
create table auth_gateway.connections (
  id           uuid primary key,
  slug         text not null,
  status       text not null check (status in ('enabled', 'disabled', 'removed')),
  settings     jsonb not null,
  secret_event uuid,
  -- Our key pairs, oldest first: [{id, status next|active|previous, certificate, event}]. Private keys are in event_secrets, sealed.
  keys         jsonb not null default '[]',
  added_at     timestamptz not null,
  version      integer not null
);
create unique index connections_slug on auth_gateway.connections (lower(slug)) where status <> 'removed';

-- Whether a credential can be signed in with: not an account of a vendor, or of a provider that is not connected.
create function auth_gateway.is_way_in(c auth_gateway.credentials) returns boolean
language sql stable set search_path = auth_gateway, pg_temp as $$
  select c.digest is not null and (c.kind <> 'external' or c.provider = 'supabase'
    or exists (select 1 from connections x where lower(x.slug) = c.provider and x.status = 'enabled'));
$$;
grant execute on function auth_gateway.is_way_in to auth_gateway_app;

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
    when 'ConnectionKeyAdded' then
      update connections set keys = keys || jsonb_build_object('id', e.data->'keyId', 'status', 'next', 'certificate', e.data->'certificate',
        'event', e.event_id), version = e.version where id = e.stream_id;
    when 'ConnectionKeyActivated' then
      update connections set version = e.version, keys = (
        select jsonb_agg(case when k->>'id' = e.data->>'keyId' then jsonb_set(k, '{status}', '"active"')
          when k->>'status' = 'active' then jsonb_set(k, '{status}', '"previous"') else k end order by n)
        from jsonb_array_elements(keys) with ordinality as t(k, n)) where id = e.stream_id;
    when 'ConnectionKeyRetired' then
      update connections set version = e.version, keys = coalesce((
        select jsonb_agg(k order by n) from jsonb_array_elements(keys) with ordinality as t(k, n)
        where k->>'id' <> e.data->>'keyId'), '[]') where id = e.stream_id;
    when 'ConnectionDisabled' then
      update connections set status = 'disabled', version = e.version where id = e.stream_id;
    when 'ConnectionEnabled' then
      update connections set status = 'enabled', version = e.version where id = e.stream_id;
    when 'ConnectionRemoved' then
      update connections set status = 'removed', version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('connections', 'connection', 'project_connection');

-- Whether a connection may still use a private key.
create function auth_gateway.is_connection_key(p_event uuid) returns boolean
language sql stable set search_path = auth_gateway, pg_temp as $$
  select exists (select 1 from connections c cross join lateral jsonb_array_elements(c.keys) as k
    where c.status <> 'removed' and (k->>'event')::uuid = p_event)
$$;

create index event_secrets_connection_keys on auth_gateway.event_secrets (event_id) where name = 'private_key';
grant execute on function auth_gateway.is_connection_key to auth_gateway_app;
