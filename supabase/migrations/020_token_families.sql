-- All tokens of one authorization or one direct sign-in. A family that is not offline ends with its session.
create table auth_gateway.token_families (
  id                 uuid primary key,
  kind               text not null check (kind in ('authorization', 'session', 'delegated', 'service')),
  uai                uuid,
  client_id          uuid not null,
  session_id         uuid,
  authorization_id   uuid,
  -- The API key it was made from, and how often that had been rotated.
  api_key_id         uuid,
  api_key_rotations  integer,
  -- The delegation of the agent that acts for the person.
  agent_delegation_id uuid,
  -- Sender constraint (RFC 7800), and who acts for the subject (RFC 8693 section 4.1).
  confirmation       jsonb,
  actor              jsonb,
  -- The authentication at the time of consent; it never changes (RFC 9068 section 2.2.1).
  acr                text,
  amr                text[],
  authenticated_at   timestamptz,
  -- The families and access tokens that a delegated family was made from: it is valid while all of them are.
  ancestors          uuid[] not null default '{}',
  ancestor_tokens    text[] not null default '{}',
  scope              text[] not null,
  resources          text[] not null,
  offline            boolean not null,
  refresh_hash       text,
  previous_hash      text,
  generation         integer not null default 0,
  rotated_at         timestamptz,
  rotation_event     uuid,
  refresh_expires_at timestamptz,
  expires_at         timestamptz not null,
  started_at         timestamptz not null,
  revoked_at         timestamptz,
  revoke_reason      text,
  version            integer not null
);
create index token_families_uai on auth_gateway.token_families (uai);
create index token_families_client on auth_gateway.token_families (client_id, started_at desc);
create index token_families_session on auth_gateway.token_families (session_id);

create function auth_gateway.project_token_family(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'TokenFamilyStarted' then
      insert into token_families (id, kind, uai, client_id, session_id, authorization_id, api_key_id, api_key_rotations,
        agent_delegation_id, confirmation, actor, acr, amr, authenticated_at, ancestors, ancestor_tokens, scope, resources, offline,
        refresh_hash, refresh_expires_at, expires_at, started_at, version)
      values (e.stream_id, e.data->>'kind', (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid, (e.data->>'sessionId')::uuid,
        (e.data->>'authorizationId')::uuid, (e.data->'apiKey'->>'id')::uuid, (e.data->'apiKey'->>'rotations')::integer,
        (e.data->>'agentDelegation')::uuid, e.data->'confirmation', e.data->'actor', e.data->'authentication'->>'acr',
        case when e.data ? 'authentication' then array(select jsonb_array_elements_text(e.data->'authentication'->'amr')) end,
        (e.data->'authentication'->>'at')::timestamptz, array(select jsonb_array_elements_text(e.data->'ancestors'))::uuid[],
        array(select jsonb_array_elements_text(e.data->'ancestorTokens')), array(select jsonb_array_elements_text(e.data->'scope')),
        array(select jsonb_array_elements_text(e.data->'resources')), (e.data->>'offline')::boolean, e.data->>'refreshHash',
        (e.data->>'refreshExpiresAt')::timestamptz, (e.data->>'expiresAt')::timestamptz, e.recorded_at, e.version);
    when 'RefreshTokenRotated' then
      update token_families set refresh_hash = e.data->>'refreshHash', previous_hash = e.data->>'previousHash',
        generation = (e.data->>'generation')::integer, rotated_at = (e.data->>'rotatedAt')::timestamptz, rotation_event = e.event_id,
        refresh_expires_at = (e.data->>'refreshExpiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'RefreshTokenReplayed', 'AccessTokenRevoked' then
      update token_families set version = e.version where id = e.stream_id;
    when 'TokenFamilyRevoked' then
      update token_families set revoked_at = e.recorded_at, revoke_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('token_families', 'token_family', 'project_token_family');

-- Access tokens revoked one by one; a revoked family needs no row here.
create table auth_gateway.access_token_revocations (
  jti        text primary key,
  family_id  uuid not null,
  expires_at timestamptz not null
);

create function auth_gateway.project_access_token_revocation(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'AccessTokenRevoked' then
      insert into access_token_revocations (jti, family_id, expires_at)
      values (e.data->>'jti', e.stream_id, (e.data->>'expiresAt')::timestamptz);
    when 'TokenFamilyStarted', 'RefreshTokenRotated', 'RefreshTokenReplayed', 'TokenFamilyRevoked' then
      null;
  end case;
end $$;

insert into auth_gateway.read_models values ('access_token_revocations', 'token_family', 'project_access_token_revocation');

-- Whether everything that delegated tokens were made from is still valid: families, exchanged access tokens and their clients, and the API
-- key or agent delegation at the beginning.
create function auth_gateway.ancestry_is_live(f auth_gateway.token_families) returns boolean
language plpgsql stable set search_path = auth_gateway, pg_temp as $$
begin
  return not exists (
      select 1 from unnest(f.ancestors) as a(id)
      left join token_families t on t.id = a.id
      left join api_clients c on c.id = t.client_id
      where t.id is null or t.revoked_at is not null or t.expires_at <= now() or c.status is distinct from 'active')
    and not exists (select 1 from access_token_revocations r where r.jti = any (f.ancestor_tokens))
    and (f.agent_delegation_id is null or exists (
      select 1 from agent_delegations d where d.id = f.agent_delegation_id and d.ended_at is null and d.expires_at > now()))
    and (f.api_key_id is null or exists (
      select 1 from api_keys k where k.id = f.api_key_id and k.status = 'active' and k.rotations = f.api_key_rotations
        and (k.expires_at is null or k.expires_at > now())));
end $$;

grant execute on function auth_gateway.ancestry_is_live(auth_gateway.token_families) to auth_gateway_app;

-- Returns a token family with everything it depends on, whether an access token of it was revoked, the client that asks, and the seconds
-- until the limits open.
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
    'supabase', auth_gateway.supabase_resource(f.resources),
    'default_resources', array(select r.identifier from auth_gateway.protected_resources r where r.is_default),
    'session', case when v_session.session_id is not null then row_to_json(v_session) end,
    'person', case when v_person.uai is not null then row_to_json(v_person) end,
    'jti_revoked', exists (select from auth_gateway.access_token_revocations r where r.jti = p_jti),
    'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
    'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end);
end $$;

grant execute on function auth_gateway.find_family(uuid, text, text, jsonb) to auth_gateway_app;
