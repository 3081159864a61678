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

select auth_gateway.close_to_public();
