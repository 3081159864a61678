-- What a person has allowed a client.
create table auth_gateway.consents (
  id           uuid primary key,
  uai          uuid not null,
  client_id    uuid not null,
  scopes       text[] not null,
  resources    text[] not null,
  granted_at   timestamptz not null,
  withdrawn_at timestamptz,
  version      integer not null
);
create unique index consents_uai_client on auth_gateway.consents (uai, client_id);

create function auth_gateway.project_consent(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ConsentGranted' then
      insert into consents as c (id, uai, client_id, scopes, resources, granted_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid,
        array(select jsonb_array_elements_text(e.data->'scopes')), array(select jsonb_array_elements_text(e.data->'resources')),
        e.recorded_at, e.version)
      on conflict (id) do update set scopes = excluded.scopes, resources = excluded.resources, granted_at = excluded.granted_at,
        withdrawn_at = null, version = excluded.version;
    when 'ConsentWithdrawn' then
      update consents set scopes = '{}', resources = '{}', withdrawn_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('consents', 'consent', 'project_consent');

-- Agents that act for a person. Their tokens are valid while the delegation is active.
create table auth_gateway.agent_delegations (
  id         uuid primary key,
  uai        uuid not null,
  client_id  uuid not null,
  scopes     text[] not null,
  resources  text[] not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  ended_at   timestamptz,
  end_reason text,
  version    integer not null
);
create index agent_delegations_uai on auth_gateway.agent_delegations (uai, created_at desc);

create function auth_gateway.project_agent_delegation(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'AgentDelegated' then
      insert into agent_delegations (id, uai, client_id, scopes, resources, expires_at, created_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'clientId')::uuid,
        array(select jsonb_array_elements_text(e.data->'scopes')), array(select jsonb_array_elements_text(e.data->'resources')),
        (e.data->>'expiresAt')::timestamptz, e.recorded_at, e.version);
    when 'AgentDelegationEnded' then
      update agent_delegations set ended_at = e.recorded_at, end_reason = e.data->>'reason', version = e.version
      where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('agent_delegations', 'agent_delegation', 'project_agent_delegation');
