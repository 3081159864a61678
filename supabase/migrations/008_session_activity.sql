-- When a session was last seen. Coalesced by the caller (once in a few minutes), no event: it decides nothing but idleness.
create table auth_gateway.session_activity (
  session_id   uuid primary key,
  last_seen_at timestamptz not null
);

create function auth_gateway.touch_session(p_session_id uuid) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  insert into session_activity as a (session_id, last_seen_at) values (p_session_id, now())
  on conflict (session_id) do update set last_seen_at = excluded.last_seen_at where a.last_seen_at < excluded.last_seen_at
$$;

grant execute on function auth_gateway.touch_session(uuid) to auth_gateway_app;
