-- A sign-in. The browser holds an opaque handle; only its SHA-256 is here. Origin (address, user agent) stays sealed.
create table auth_gateway.sessions (
  id            uuid primary key,
  uai           uuid not null,
  client_id     uuid,
  platform      text not null,
  project_scope text not null,
  method        text not null,
  opened_from   uuid,
  -- The other identity provider that it began through.
  connection_id uuid,
  amr           text[] not null,
  acr           text not null,
  handle_hash   text,
  origin        text,
  started_at    timestamptz not null,
  stepped_up_at timestamptz,
  recovered_at  timestamptz,
  idle_seconds  integer not null,
  expires_at    timestamptz not null,
  ended_at      timestamptz,
  end_reason    text,
  version       integer not null
);
-- Those that may still be live.
create index sessions_standing on auth_gateway.sessions (expires_at) where ended_at is null;
create index sessions_uai on auth_gateway.sessions (uai, started_at desc);

-- Live: not ended, nor the session it was opened from, inside its absolute life, and seen within its idle time. started_at is also the time of authentication.
create function auth_gateway.session_stands(s auth_gateway.sessions, p_last_seen timestamptz, p_opener_ended timestamptz) returns boolean
language sql stable
return s.ended_at is null and p_opener_ended is null and s.expires_at > now() and s.started_at <= now() + interval '1 minute'
  and greatest(s.started_at, p_last_seen) + make_interval(secs => s.idle_seconds) > now();

create function auth_gateway.session_is_live(s auth_gateway.sessions) returns boolean
language plpgsql stable as $$
begin
  return auth_gateway.session_stands(s,
    (select a.last_seen_at from auth_gateway.session_activity a where a.session_id = s.id),
    (select o.ended_at from auth_gateway.sessions o where o.id = s.opened_from));
end $$;

grant execute on function auth_gateway.session_stands(auth_gateway.sessions, timestamptz, timestamptz),
  auth_gateway.session_is_live(auth_gateway.sessions) to auth_gateway_app;

create index sessions_connection on auth_gateway.sessions (connection_id, uai) where connection_id is not null;

create function auth_gateway.project_session(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'SessionStarted' then
      insert into sessions (id, uai, client_id, platform, project_scope, method, opened_from, connection_id, amr, acr, handle_hash, origin, started_at,
        idle_seconds, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid, e.data->>'platform', e.data->>'projectScope',
        e.data->>'method', (e.data->>'openedFrom')::uuid,
        case when e.data->'provenBy'->>'type' = 'connection' then (e.data->'provenBy'->>'id')::uuid end, array(select jsonb_array_elements_text(e.data->'amr')), e.data->>'acr', e.data->>'handleHash',
        e.metadata->>'origin', (e.data->>'authenticatedAt')::timestamptz, (e.data->>'idleSeconds')::integer,
        (e.data->>'expiresAt')::timestamptz, e.version);
    when 'SessionSteppedUp' then
      update sessions set stepped_up_at = (e.data->>'at')::timestamptz, acr = e.data->>'acr',
        amr = array(select jsonb_array_elements_text(e.data->'amr')), handle_hash = e.data->>'handleHash', version = e.version
      where id = e.stream_id;
    when 'SessionRecovered' then
      update sessions set recovered_at = (e.data->>'at')::timestamptz, handle_hash = e.data->>'handleHash', version = e.version
      where id = e.stream_id;
    when 'SessionEnded' then
      update sessions set ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_sessions() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate sessions;
  perform project_session(e) from event_store e where e.stream_type = 'session' order by e.position;
end $$;
