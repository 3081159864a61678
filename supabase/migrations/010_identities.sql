-- One row per UAI: who exists, in which standing. Names and addresses are sealed under the person's data key.
create table auth_gateway.identities (
  uai             uuid primary key,
  status          text not null check (status in ('active', 'suspended', 'erased')),
  role            text not null,
  plan            text not null,
  organization_id uuid not null,
  locale          text,
  name            text,
  email           text,
  email_verified  boolean not null default false,
  created_at      timestamptz not null,
  version         integer not null
);

create function auth_gateway.project_identity(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'IdentityCreated' then
      insert into identities (uai, status, role, plan, organization_id, locale, name, created_at, version)
      values (e.stream_id, 'active', e.data->>'role', e.data->>'plan', (e.data->>'organizationId')::uuid, e.data->>'locale',
        e.data->'sealed'->>'name', e.recorded_at, e.version);
    when 'CredentialLinked' then
      update identities set version = e.version,
        email = case when e.data->>'kind' = 'email' and email is null then e.data->'sealed'->>'address' else email end,
        email_verified = email_verified or (e.data->>'kind' = 'email' and (e.data->>'verified')::boolean)
      where uai = e.stream_id;
    when 'IdentitySuspended' then
      update identities set status = 'suspended', version = e.version where uai = e.stream_id;
    when 'IdentityReinstated' then
      update identities set status = 'active', version = e.version where uai = e.stream_id;
    when 'IdentityErased' then
      update identities set status = 'erased', name = null, email = null, email_verified = false, locale = null,
        version = e.version where uai = e.stream_id;
  end case;
end $$;

create function auth_gateway.on_project_identity() returns trigger
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  perform project_identity(new);
  return null;
end $$;

create trigger project_identity after insert on auth_gateway.event_store
  for each row when (new.stream_type = 'identity') execute function auth_gateway.on_project_identity();

create function auth_gateway.rebuild_identities() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate identities;
  perform project_identity(e) from event_store e where e.stream_type = 'identity' order by e.position;
end $$;
