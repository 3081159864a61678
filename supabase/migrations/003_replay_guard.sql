-- Values that are accepted once: webhook signatures, assertion ids, proof ids. Rows are deleted after their expiry.
create table auth_gateway.replay_guard (
  scope      text not null,
  key        bytea not null,
  expires_at timestamptz not null,
  primary key (scope, key)
);
create index replay_guard_expiry on auth_gateway.replay_guard (expires_at);

-- Returns true for the first caller, false for later ones until the entry expires.
create function auth_gateway.claim_once(p_scope text, p_key bytea, p_expires_at timestamptz) returns boolean
language sql security definer set search_path = auth_gateway, pg_temp as $$
  with claimed as (
    insert into replay_guard as g (scope, key, expires_at) values (p_scope, p_key, p_expires_at)
    on conflict (scope, key) do update set expires_at = excluded.expires_at where g.expires_at <= now()
    returning 1
  )
  select exists (select 1 from claimed)
$$;

grant execute on function auth_gateway.claim_once to auth_gateway_app;
