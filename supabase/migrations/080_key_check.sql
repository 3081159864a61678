-- Whether the process that opens this database has its master secret: a constant, sealed under a key from that secret.
create table auth_gateway.key_check (
  one     boolean primary key default true check (one),
  sealed  bytea not null,
  made_at timestamptz not null default now()
);

-- Keeps the value of the process that opens a new database, and returns the one that is kept: of several processes the first one counts.
create function auth_gateway.keep_key_check(p_sealed bytea) returns bytea
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  insert into key_check (sealed) values (p_sealed) on conflict do nothing;
  return (select k.sealed from key_check k);
end $$;

grant execute on function auth_gateway.keep_key_check(bytea) to auth_gateway_app;
select auth_gateway.close_to_public();
