-- The gateway has one schema, which is on no search_path: queries and migrations write auth_gateway.name, and functions have
-- `set search_path = auth_gateway, pg_temp`, so that no one can shadow a table or function.
--
-- Reads that a request waits for are functions, `find_…` and `check_…`: one call for each request. The plan of a function outlives the
-- statement, which matters because the gateway prepares none: a pooler hands the connection on. They run as the caller, are read-only, and
-- write names out instead of `set search_path`, so that small functions can be inlined. Each look-up is by a key, so one plan fits every
-- value (force_generic_plan). A row is returned as it was fetched, by row_to_json: json_build_object with every member costs three times as
-- much.
create schema if not exists auth_gateway;
comment on schema auth_gateway is 'LanOnasis auth gateway: event store and read models';

revoke all on schema auth_gateway from public;

-- Applied migrations. `npm run migrate` creates this table itself when it runs first.
create table if not exists auth_gateway.migrations (
  version    text primary key,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now()
);

-- auth_gateway_app has the privileges of the running gateway; its login role is a member. anon, authenticated and service_role are
-- the roles of Supabase's public API; they are created elsewhere too, so that the same rules are tested.
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
  null; -- created at the same time for another database of this server
end $$;

revoke all on schema auth_gateway from anon, authenticated, service_role;
grant usage on schema auth_gateway to auth_gateway_app;

alter default privileges in schema auth_gateway revoke all on tables from public, anon, authenticated, service_role;
alter default privileges in schema auth_gateway revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges in schema auth_gateway revoke all on functions from public, anon, authenticated, service_role;
alter default privileges in schema auth_gateway revoke all on types from public, anon, authenticated, service_role;

-- PostgreSQL lets every role execute a new function, and default privileges of one schema cannot change that. Grants to
-- auth_gateway_app are kept. 029_access.sql calls this, and `npm run migrate` after the files that it applied, even when one fails.
create function auth_gateway.close_to_public() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  revoke all on all tables in schema auth_gateway from public, anon, authenticated, service_role;
  revoke all on all sequences in schema auth_gateway from public, anon, authenticated, service_role;
  revoke all on all routines in schema auth_gateway from public, anon, authenticated, service_role;
end $$;

-- Enables row-level security on every table. The application role reads every table and writes through functions only.
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
