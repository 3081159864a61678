-- Everything of the gateway stands in one schema of its own. It is not on anybody's search_path: queries and migrations
-- write auth_gateway.name, and each function says `set search_path = auth_gateway, pg_temp`, so that nobody can put a
-- table or function of the same name in front.
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
