-- What verify, resolve, introspect and refresh read: one statement each. They are functions, so that their plans outlive the
-- statement: the gateway prepares none, since a pooler hands the connection on. They run as the caller and are read-only; names
-- are written out instead of set search_path, which costs as much as a look-up, and keeps small functions from becoming a part of
-- what calls them. Every look-up is by a key, so the plan that fits any value is as good as one for each, which some values would get.

-- A person with their wrapped data key.
create function auth_gateway.person_json(i auth_gateway.identities, k auth_gateway.subject_keys) returns json
language sql stable
return json_build_object('uai', i.uai, 'identity_status', i.status, 'role', i.role, 'plan', i.plan,
  'organization_id', i.organization_id, 'locale', i.locale, 'name', i.name, 'email', i.email,
  'email_verified', i.email_verified, 'members', i.members, 'organizations', i.organizations,
  'identity_created_at', i.created_at, 'wrapped_key', encode(k.wrapped_key, 'base64'));

-- A session, when it was last seen, and when the session it was opened from ended.
create function auth_gateway.session_json(s auth_gateway.sessions, p_last_seen timestamptz, p_opener_ended timestamptz) returns json
language sql stable
return json_build_object('session_id', s.id, 'opened_from', s.opened_from, 'platform', s.platform,
  'project_scope', s.project_scope, 'method', s.method, 'amr', s.amr, 'acr', s.acr,
  'authenticated_at', coalesce(s.stepped_up_at, s.started_at), 'stepped_up_at', s.stepped_up_at, 'recovered_at', s.recovered_at,
  'session_expires_at', s.expires_at, 'session_version', s.version,
  'session_live', auth_gateway.session_stands(s, p_last_seen, p_opener_ended),
  'session_unseen', coalesce(p_last_seen, s.started_at) < now() - interval '5 minutes');

-- A client by its public id; null when unknown.
create function auth_gateway.client_json(p_client_id text) returns json
language plpgsql stable as $$
begin
  return (select row_to_json(c) from auth_gateway.api_clients c
    where auth_gateway.client_key(c.client_id) = auth_gateway.client_key(p_client_id));
end $$;

-- The session behind a browser's handle and its person; null when there is none.
create function auth_gateway.find_session(p_id uuid, p_handle_hash text) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select json_build_object('session', auth_gateway.session_json(s, a.last_seen_at, o.ended_at),
      'person', auth_gateway.person_json(i, k))
    from auth_gateway.sessions s
    left join auth_gateway.session_activity a on a.session_id = s.id
    left join auth_gateway.sessions o on o.id = s.opened_from
    join auth_gateway.identities own on own.uai = s.uai
    join auth_gateway.identities i on i.uai = own.canonical_uai
    left join auth_gateway.subject_keys k on k.subject = i.uai
    where s.id = p_id and s.handle_hash = p_handle_hash);
end $$;

-- A token family with everything that it depends on, whether an access token of it was taken back, the client that asks, and the
-- seconds until the asked limits open.
create function auth_gateway.find_family(p_id uuid, p_jti text, p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select json_build_object(
      'family', case when f.id is not null then row_to_json(f) end,
      'family_client', row_to_json(c),
      'ancestry_live', case when f.kind = 'delegated' then auth_gateway.ancestry_is_live(f) else true end,
      'answer', case when f.rotation_event is not null then (
        select encode(e.sealed, 'base64') from auth_gateway.event_secrets e
        where e.event_id = f.rotation_event and e.name = 'answer' and e.expires_at > now()) end,
      'session', case when s.id is not null then auth_gateway.session_json(s, a.last_seen_at, o.ended_at) end,
      'person', case when i.uai is not null then auth_gateway.person_json(i, k) end,
      'jti_revoked', r.jti is not null,
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end)
    from (select 1) as one
    left join auth_gateway.token_families f on f.id = p_id
    left join auth_gateway.api_clients c on c.id = f.client_id
    left join auth_gateway.sessions s on s.id = f.session_id
    left join auth_gateway.session_activity a on a.session_id = s.id
    left join auth_gateway.sessions o on o.id = s.opened_from
    left join auth_gateway.identities own on own.uai = f.uai
    left join auth_gateway.identities i on i.uai = own.canonical_uai
    left join auth_gateway.subject_keys k on k.subject = i.uai
    left join auth_gateway.access_token_revocations r on r.jti = p_jti);
end $$;

grant execute on function auth_gateway.person_json(auth_gateway.identities, auth_gateway.subject_keys),
  auth_gateway.session_json(auth_gateway.sessions, timestamptz, timestamptz),
  auth_gateway.client_json(text), auth_gateway.find_session(uuid, text),
  auth_gateway.find_family(uuid, text, text, jsonb) to auth_gateway_app;
