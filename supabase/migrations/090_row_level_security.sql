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

grant usage on schema auth_gateway to auth_gateway_app;

select auth_gateway.close_to_public();
select auth_gateway.open_to_application();
