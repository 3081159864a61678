-- Everything of the gateway stands in one schema of its own. It is not on anybody's search_path: queries and migrations
-- write auth_gateway.name, and each function says `set search_path = auth_gateway, pg_temp`, so that nobody can put a
-- table or function of the same name in front.
-- Reads that a request waits for are functions, `find_…` and `check_…`: one call for each request. The plan of a function outlives the
-- statement, which matters because the gateway prepares none: a pooler hands the connection on. They run as the caller, are read-only, and
-- write names out instead of `set search_path`, so that small functions can be inlined. Each look-up is by a key, so one plan fits every
-- value (force_generic_plan). A row is returned as it was fetched, by row_to_json: json_build_object with every member costs three times that.
create schema if not exists auth_gateway;
comment on schema auth_gateway is 'LanOnasis auth gateway: event store and read models';

revoke all on schema auth_gateway from public;

-- What has been applied, as `npm run migrate` records it; it makes this table itself where it comes first.
create table if not exists auth_gateway.migrations (
  version    text primary key,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now()
);

-- auth_gateway_app groups what the running gateway may do; its login role is a member. anon, authenticated and
-- service_role come with Supabase (the roles of its public API); elsewhere they are made, so that the same rules are tested.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['auth_gateway_app', 'anon', 'authenticated', 'service_role'] loop
    if not exists (select 1 from pg_roles where rolname = v_role) then
      execute format('create role %I nologin', v_role);
    end if;
  end loop;
exception when duplicate_object or unique_violation then
  null; -- another database of this server made them at the same moment
end $$;

revoke all on schema auth_gateway from anon, authenticated, service_role;
grant usage on schema auth_gateway to auth_gateway_app;

alter default privileges in schema auth_gateway revoke all on tables from public, anon, authenticated, service_role;
alter default privileges in schema auth_gateway revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges in schema auth_gateway revoke all on functions from public, anon, authenticated, service_role;
alter default privileges in schema auth_gateway revoke all on types from public, anon, authenticated, service_role;

-- PostgreSQL lets everybody execute a new function, and default privileges of one schema cannot take that away. So a
-- migration that creates functions ends with `select auth_gateway.close_to_public()`; what is granted by name stays.
create function auth_gateway.close_to_public() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  revoke all on all tables in schema auth_gateway from public, anon, authenticated, service_role;
  revoke all on all sequences in schema auth_gateway from public, anon, authenticated, service_role;
  revoke all on all routines in schema auth_gateway from public, anon, authenticated, service_role;
end $$;

-- Row-level security on every table; the application role reads, and writes only through the functions granted to it.
create function auth_gateway.open_to_application() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  t regclass;
begin
  for t in
    select c.oid::regclass from pg_class c
    where c.relnamespace = 'auth_gateway'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table %s enable row level security', t);
    execute format('drop policy if exists application_reads on %s', t);
    execute format('create policy application_reads on %s for select to auth_gateway_app using (true)', t);
    if not (select relispartition from pg_class where oid = t) then
      execute format('grant select on %s to auth_gateway_app', t);
    end if;
  end loop;
end $$;
