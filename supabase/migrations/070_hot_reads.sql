-- What verify, resolve, introspect and refresh read: one statement each. They are functions, so that their plans outlive the
-- statement: the gateway prepares none, since a pooler hands the connection on. They run as the caller and are read-only; names
-- are written out instead of set search_path, which keeps small functions from becoming a part of what calls them. Every look-up is
-- by a key, so the plan that fits any value is as good as one for each, which some values would get.
-- A row is told as it was fetched (row_to_json of a record): that costs a third of naming each member in json_build_object.

-- A person with their wrapped data key.
create view auth_gateway.person_facts with (security_invoker = true) as
select i.uai, i.status as identity_status, i.role, i.plan, i.organization_id, i.locale, i.name, i.email, i.email_verified, i.members,
  i.organizations, i.standing, i.created_at as identity_created_at, encode(k.wrapped_key, 'base64') as wrapped_key
from auth_gateway.identities i left join auth_gateway.subject_keys k on k.subject = i.uai;

-- A session, whether it is live, and whether it is time to note that it was seen.
create view auth_gateway.session_facts with (security_invoker = true) as
select s.id as session_id, s.uai, s.handle_hash, s.opened_from, s.platform, s.project_scope, s.method, s.amr, s.acr,
  coalesce(s.stepped_up_at, s.started_at) as authenticated_at, s.stepped_up_at, s.recovered_at, s.expires_at as session_expires_at,
  s.version as session_version, auth_gateway.session_stands(s, a.last_seen_at, o.ended_at) as session_live,
  coalesce(a.last_seen_at, s.started_at) < now() - interval '5 minutes' as session_unseen
from auth_gateway.sessions s
left join auth_gateway.session_activity a on a.session_id = s.id
left join auth_gateway.sessions o on o.id = s.opened_from;

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

-- A token family with everything that it depends on, whether an access token of it was taken back, the client that asks, and the
-- seconds until the asked limits open.
create function auth_gateway.find_family(p_id uuid, p_jti text, p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  f auth_gateway.token_families;
  v_client json;
  v_session record;
  v_person record;
  v_answer text;
begin
  select x.* into f from auth_gateway.token_families x where x.id = p_id;
  if found then
    select row_to_json(c) into v_client from auth_gateway.api_clients c where c.id = f.client_id;
  end if;
  select s.* into v_session from auth_gateway.session_facts s where s.session_id = f.session_id;
  select i.* into v_person from auth_gateway.identities own join auth_gateway.person_facts i on i.uai = own.canonical_uai
  where own.uai = f.uai;
  if f.rotation_event is not null then
    select encode(e.sealed, 'base64') into v_answer from auth_gateway.event_secrets e
    where e.event_id = f.rotation_event and e.name = 'answer' and e.expires_at > now();
  end if;
  return json_build_object(
    'family', case when f.id is not null then row_to_json(f) end,
    'family_client', v_client,
    'ancestry_live', case when f.kind = 'delegated' then auth_gateway.ancestry_is_live(f) else true end,
    'answer', v_answer,
    'default_resources', array(select r.identifier from auth_gateway.protected_resources r where r.is_default),
    'session', case when v_session.session_id is not null then row_to_json(v_session) end,
    'person', case when v_person.uai is not null then row_to_json(v_person) end,
    'jti_revoked', exists (select from auth_gateway.access_token_revocations r where r.jti = p_jti),
    'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
    'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end);
end $$;

grant execute on function auth_gateway.client_json(text), auth_gateway.find_session(uuid, text),
  auth_gateway.find_family(uuid, text, text, jsonb) to auth_gateway_app;
grant select on auth_gateway.person_facts, auth_gateway.session_facts to auth_gateway_app;
