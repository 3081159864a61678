-- Whether this database takes writes: readiness changes the one row here. A full disk and a read-only replica fail it.
create table auth_gateway.heartbeat (
  one       boolean primary key default true check (one),
  beaten_at timestamptz not null
);
insert into auth_gateway.heartbeat values (true, now());

-- Writes, once a second at most, and returns the time of the database.
create function auth_gateway.beat() returns timestamptz
language plpgsql volatile security definer set search_path = auth_gateway, pg_temp as $$
begin
  update heartbeat set beaten_at = clock_timestamp() where beaten_at < clock_timestamp() - interval '1 second';
  return clock_timestamp();
end $$;

grant execute on function auth_gateway.beat() to auth_gateway_app;
select auth_gateway.close_to_public();
