-- All tokens from one authorization or one direct sign-in. A family that is not offline lives and dies with its session.
create table auth_gateway.token_families (
  id                 uuid primary key,
  kind               text not null check (kind in ('authorization', 'session', 'delegated', 'service')),
  uai                uuid,
  client_id          uuid not null,
  session_id         uuid,
  authorization_id   uuid,
  -- The API key it came from, and how often that had been rotated.
  api_key_id         uuid,
  api_key_rotations  integer,
  -- The person's word that lets an agent act for them.
  agent_delegation_id uuid,
  -- What the tokens are bound to (RFC 7800), and who acts for the subject (RFC 8693 section 4.1).
  confirmation       jsonb,
  actor              jsonb,
  -- What the person was proven by when they allowed it, and when; it stays so (RFC 9068 section 2.2.1).
  acr                text,
  amr                text[],
  authenticated_at   timestamptz,
  -- The families and access tokens that a delegated family came from: it lives while all of them do.
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
        agent_delegation_id, confirmation,
        actor, acr, amr, authenticated_at, ancestors, ancestor_tokens, scope, resources, offline, refresh_hash, refresh_expires_at, expires_at, started_at, version)
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

create function auth_gateway.rebuild_token_families() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate token_families;
  perform project_token_family(e) from event_store e where e.stream_type = 'token_family' order by e.position;
end $$;
