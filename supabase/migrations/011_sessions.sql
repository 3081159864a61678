-- When a session was last seen, for its idle time. Not an event; updated at most every few minutes.
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

-- Sessions. The browser has an opaque handle, of which only the SHA-256 is stored. The origin (address, user agent) is sealed.
create table auth_gateway.sessions (
  id            uuid primary key,
  uai           uuid not null,
  client_id     uuid,
  platform      text not null,
  project_scope text not null,
  method        text not null,
  opened_from   uuid,
  -- The external identity provider of the sign-in.
  connection_id uuid,
  amr           text[] not null,
  acr           text not null,
  handle_hash   text,
  origin        text,
  started_at    timestamptz not null,
  stepped_up_at timestamptz,
  recovered_at  timestamptz,
  -- When a factor was removed that had raised the assurance of the session.
  weakened_at   timestamptz,
  idle_seconds  integer not null,
  expires_at    timestamptz not null,
  ended_at      timestamptz,
  end_reason    text,
  version       integer not null
);
create index sessions_standing on auth_gateway.sessions (expires_at) where ended_at is null;
create index sessions_uai on auth_gateway.sessions (uai, started_at desc);

-- Whether a session is live: neither it nor its opener has ended, it has not expired and was seen within its idle time. started_at is the
-- time of authentication.
create function auth_gateway.session_is_valid(s auth_gateway.sessions, p_last_seen timestamptz, p_opener_ended timestamptz) returns boolean
language sql stable
return s.ended_at is null and p_opener_ended is null and s.expires_at > now() and s.started_at <= now() + interval '1 minute'
  and greatest(s.started_at, p_last_seen) + make_interval(secs => s.idle_seconds) > now();

create function auth_gateway.session_is_live(s auth_gateway.sessions) returns boolean
language plpgsql stable as $$
begin
  return auth_gateway.session_is_valid(s,
    (select a.last_seen_at from auth_gateway.session_activity a where a.session_id = s.id),
    (select o.ended_at from auth_gateway.sessions o where o.id = s.opened_from));
end $$;

grant execute on function auth_gateway.session_is_valid(auth_gateway.sessions, timestamptz, timestamptz),
  auth_gateway.session_is_live(auth_gateway.sessions) to auth_gateway_app;

create index sessions_connection on auth_gateway.sessions (connection_id, uai) where connection_id is not null;

create function auth_gateway.project_session(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'SessionStarted' then
      insert into sessions (id, uai, client_id, platform, project_scope, method, opened_from, connection_id, amr, acr, handle_hash, origin,
        started_at, idle_seconds, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid, e.data->>'platform', e.data->>'projectScope',
        e.data->>'method', (e.data->>'openedFrom')::uuid,
        case when e.data->'provenBy'->>'type' = 'connection' then (e.data->'provenBy'->>'id')::uuid end,
        array(select jsonb_array_elements_text(e.data->'amr')), e.data->>'acr', e.data->>'handleHash', e.metadata->>'origin',
        (e.data->>'authenticatedAt')::timestamptz, (e.data->>'idleSeconds')::integer, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'SessionSteppedUp' then
      update sessions set stepped_up_at = (e.data->>'at')::timestamptz, acr = e.data->>'acr',
        amr = array(select jsonb_array_elements_text(e.data->'amr')), handle_hash = e.data->>'handleHash', version = e.version
      where id = e.stream_id;
    when 'SessionRecovered' then
      update sessions set recovered_at = (e.data->>'at')::timestamptz, handle_hash = e.data->>'handleHash', version = e.version
      where id = e.stream_id;
    when 'SessionWeakened' then
      update sessions set stepped_up_at = (e.data->>'steppedUpAt')::timestamptz, acr = e.data->>'acr', weakened_at = e.recorded_at,
        amr = array(select jsonb_array_elements_text(e.data->'amr')), version = e.version
      where id = e.stream_id;
    when 'SessionEnded' then
      update sessions set ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('sessions', 'session', 'project_session');

-- A session, whether it is live, and whether session_activity is due for an update.
create view auth_gateway.session_facts with (security_invoker = true) as
select s.id as session_id, s.uai, s.handle_hash, s.opened_from, s.platform, s.project_scope, s.method, s.amr, s.acr,
  coalesce(s.stepped_up_at, s.started_at) as authenticated_at, s.stepped_up_at, s.recovered_at, s.expires_at as session_expires_at,
  s.version as session_version, s.origin as session_origin, s.weakened_at, auth_gateway.session_is_valid(s, a.last_seen_at, o.ended_at) as session_live,
  coalesce(a.last_seen_at, s.started_at) < now() - interval '5 minutes' as session_activity_stale
from auth_gateway.sessions s
left join auth_gateway.session_activity a on a.session_id = s.id
left join auth_gateway.sessions o on o.id = s.opened_from;

grant select on auth_gateway.session_facts to auth_gateway_app;

-- Returns the session of a browser's handle and its person, or null.
create function auth_gateway.find_session(p_id uuid, p_handle_hash text) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_session record;
  v_person record;
begin
  select s.* into v_session from auth_gateway.session_facts s where s.session_id = p_id and s.handle_hash = p_handle_hash;
  if not found then
    return null;
  end if;
  select i.* into v_person from auth_gateway.identities own join auth_gateway.person_facts i on i.uai = own.canonical_uai
  where own.uai = v_session.uai;
  return json_build_object('session', row_to_json(v_session), 'person', row_to_json(v_person));
end $$;

-- Returns the newest of these sessions that makes the browser a known one for a person: theirs, at most 180 days old, not revoked.
create function auth_gateway.known_browser(p_uai uuid, p_sessions jsonb) returns uuid
language plpgsql stable as $$
begin
  return (
    select s.id from auth_gateway.sessions s join auth_gateway.identities i on i.uai = s.uai
    where s.id = any (array(select x::uuid from jsonb_array_elements_text(p_sessions) x)) and i.canonical_uai = p_uai
      and s.end_reason is distinct from 'revoked' and s.started_at > now() - interval '180 days'
    order by s.id desc limit 1);
end $$;

-- The same for the owner of an address.
create function auth_gateway.known_browser_of(p_digest bytea, p_sessions jsonb) returns uuid
language plpgsql stable as $$
begin
  return (
    select auth_gateway.known_browser(i.canonical_uai, p_sessions)
    from auth_gateway.credentials c join auth_gateway.identities i on i.uai = c.uai
    where c.kind in ('email', 'phone') and c.digest = p_digest limit 1);
end $$;

grant execute on function auth_gateway.find_session(uuid, text),
  auth_gateway.known_browser(uuid, jsonb),
  auth_gateway.known_browser_of(bytea, jsonb) to auth_gateway_app;

-- Places (browser family and network) from which a person's account was used, as keyed digests. A place that its person has disowned has no
-- digest, so that it is unknown again; nor has one of an erased person. Browser and network are sealed, for the notice.
create table auth_gateway.sign_in_places (
  id              uuid primary key,
  uai             uuid not null,
  digest          bytea,
  session_id      uuid not null,
  seen_at         text not null,
  browser         text,
  network         text,
  first_seen_at   timestamptz not null,
  noticed_at      timestamptz,
  link_hash       text,
  link_expires_at timestamptz,
  disowned_at     timestamptz,
  version         integer not null
);
create unique index sign_in_places_digest on auth_gateway.sign_in_places (digest);
create index sign_in_places_uai on auth_gateway.sign_in_places (uai, noticed_at);
-- Of several new places at once, one is noticed.
create unique index sign_in_places_day on auth_gateway.sign_in_places (uai, ((noticed_at at time zone 'UTC')::date))
  where noticed_at is not null;

create function auth_gateway.project_sign_in_place(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'SignInPlaceSeen' then
      insert into sign_in_places (id, uai, digest, session_id, seen_at, browser, network, first_seen_at, noticed_at, link_hash,
        link_expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid,
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'sign_in_place'),
        (e.data->>'sessionId')::uuid, e.data->>'seenAt', e.data->'sealed'->>'browser', e.data->'sealed'->>'network', e.recorded_at,
        (e.data->'notice'->>'at')::timestamptz, e.data->'notice'->>'linkHash', (e.data->'notice'->>'linkExpiresAt')::timestamptz,
        e.version);
    when 'SignInDisowned' then
      update sign_in_places set digest = null, disowned_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('sign_in_places', 'sign_in_place', 'project_sign_in_place');
