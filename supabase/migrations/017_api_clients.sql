-- OAuth clients. metadata is RFC 7591 client metadata; secrets are SHA-256 of at least 256 random bits. identity_changed_at is when the
-- client last changed what people know it by; earlier consents no longer count. account_access says whether tokens without a resource also
-- work at the everyday endpoints of the account API; only operators set it. sharing_key finds the client for later registrations of the
-- same metadata, while its metadata is as registered.
create table auth_gateway.api_clients (
  id          uuid primary key,
  client_id   text not null,
  status      text not null check (status in ('active', 'suspended', 'deleted')),
  first_party boolean not null,
  account_access text not null check (account_access in ('none', 'everyday')),
  origin      text not null check (origin in ('seed', 'operator', 'dynamic', 'document')),
  metadata    jsonb not null,
  secrets     jsonb not null default '[]',
  registration_token_hash text,
  sharing_key text unique,
  created_at  timestamptz not null,
  identity_changed_at timestamptz not null,
  version     integer not null
);

-- Returns what a client id is compared by: lower case, except addresses of metadata documents. Not in language sql: inlined, the planner
-- would take it for cheap and evaluate it for every client.
create function auth_gateway.client_key(p_client_id text) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return case when p_client_id ~ '^https?://' then p_client_id else lower(p_client_id) end;
end $$;

grant execute on function auth_gateway.client_key to auth_gateway_app;

create unique index api_clients_client_id on auth_gateway.api_clients (auth_gateway.client_key(client_id));
create index api_clients_registered on auth_gateway.api_clients (created_at) where origin = 'dynamic' and status = 'active';

-- Whether metadata names, or authenticates, another client than before.
create function auth_gateway.is_other_client(p_before jsonb, p_after jsonb) returns boolean
language sql immutable parallel safe
return exists (
  select 1 from unnest(array['client_name', 'redirect_uris', 'jwks', 'jwks_uri', 'token_endpoint_auth_method']) as member
  where p_before->member is distinct from p_after->member);

create function auth_gateway.project_api_client(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ClientRegistered' then
      insert into api_clients (id, client_id, status, first_party, account_access, origin, metadata, secrets,
        registration_token_hash, sharing_key, created_at, identity_changed_at, version)
      values (e.stream_id, e.data->>'clientId', 'active', (e.data->>'firstParty')::boolean,
        coalesce(e.data->>'accountAccess', 'none'), e.data->>'origin', e.data->'metadata',
        case when e.data->>'secretHash' is null then '[]' else jsonb_build_array(jsonb_build_object('hash', e.data->>'secretHash')) end,
        e.data->>'registrationTokenHash', e.data->>'sharingKey', e.recorded_at, e.recorded_at, e.version);
    when 'ClientShared' then
      update api_clients set registration_token_hash = null, version = e.version where id = e.stream_id;
    when 'ClientUpdated' then
      update api_clients set metadata = e.data->'metadata', sharing_key = null, version = e.version, identity_changed_at = case
        when is_other_client(metadata, e.data->'metadata') then e.recorded_at else identity_changed_at end
      where id = e.stream_id;
    when 'ClientAccountAccessChanged' then
      update api_clients set account_access = e.data->>'accountAccess', version = e.version where id = e.stream_id;
    when 'ClientSecretRotated' then
      update api_clients set secrets = e.data->'secrets', version = e.version where id = e.stream_id;
    when 'ClientSuspended' then
      update api_clients set status = 'suspended', sharing_key = null, version = e.version where id = e.stream_id;
    when 'ClientReinstated' then
      update api_clients set status = 'active', version = e.version where id = e.stream_id;
    when 'ClientDeleted' then
      update api_clients set status = 'deleted', secrets = '[]', registration_token_hash = null, sharing_key = null, version = e.version
      where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('api_clients', 'api_client', 'project_api_client');

-- How long the metadata document of a client is fresh (Client ID Metadata Documents). Not an event; a change of the document is one.
create table auth_gateway.client_documents (
  client_id   uuid primary key,
  fetched_at  timestamptz not null,
  fresh_until timestamptz not null
);

create function auth_gateway.note_client_document(p_client_id uuid, p_seconds integer) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  insert into client_documents (client_id, fetched_at, fresh_until) values (p_client_id, now(), now() + make_interval(secs => p_seconds))
  on conflict (client_id) do update set fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until
$$;

grant execute on function auth_gateway.note_client_document to auth_gateway_app;

-- Resource servers that a token can be for (RFC 8707). One is the default when a client names none.
create table auth_gateway.protected_resources (
  id         uuid primary key,
  identifier text not null unique,
  name       text not null,
  scopes     text[] not null,
  is_default boolean not null,
  -- Settings of a Supabase project, which takes tokens of its own form and key.
  supabase   jsonb,
  version    integer not null
);

create function auth_gateway.project_protected_resource(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ProtectedResourceRegistered' then
      insert into protected_resources (id, identifier, name, scopes, is_default, supabase, version)
      values (e.stream_id, e.data->>'identifier', e.data->>'name', array(select jsonb_array_elements_text(e.data->'scopes')),
        (e.data->>'isDefault')::boolean, e.data->'supabase', e.version);
    when 'ProtectedResourceChanged' then
      update protected_resources set name = e.data->>'name', scopes = array(select jsonb_array_elements_text(e.data->'scopes')),
        version = e.version where id = e.stream_id;
    when 'ProtectedResourceRemoved' then
      delete from protected_resources where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('protected_resources', 'protected_resource', 'project_protected_resource');

-- Returns a client by its public id, or null.
create function auth_gateway.client_json(p_client_id text) returns json
language plpgsql stable as $$
begin
  return (select row_to_json(c) from auth_gateway.api_clients c
    where auth_gateway.client_key(c.client_id) = auth_gateway.client_key(p_client_id));
end $$;

-- Returns every resource that a token can be for.
create function auth_gateway.resources_json() returns json
language plpgsql stable as $$
begin
  return (select coalesce(json_agg(json_build_object('id', r.id, 'identifier', r.identifier, 'name', r.name, 'scopes', r.scopes,
    'is_default', r.is_default, 'supabase', r.supabase)), '[]') from auth_gateway.protected_resources r);
end $$;

-- Returns the Supabase project among the resources of a grant, or null.
create function auth_gateway.supabase_resource(p_resources text[]) returns json
language plpgsql stable as $$
begin
  return (select json_build_object('id', r.id, 'identifier', r.identifier, 'accounts', r.supabase->>'accounts')
    from auth_gateway.protected_resources r where r.identifier = any (p_resources) and r.supabase is not null limit 1);
end $$;

-- Returns the client of a client credentials grant, the resources, and the seconds until the limits open.
create function auth_gateway.find_for_service(p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return json_build_object('client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
    'resources', auth_gateway.resources_json(), 'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end);
end $$;

grant execute on function auth_gateway.client_json, auth_gateway.resources_json, auth_gateway.supabase_resource, auth_gateway.find_for_service
  to auth_gateway_app;
