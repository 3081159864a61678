-- Authorization requests, for look-ups; their outcome is in their events. A pushed request has no row before its person is known.
create table auth_gateway.authorizations (
  id         uuid primary key,
  client_id  uuid not null,
  uai        uuid not null,
  session_id uuid not null,
  -- Of the manual code, which a person pastes into a terminal.
  paste_hash text
);
create unique index authorizations_paste_hash on auth_gateway.authorizations (paste_hash) where paste_hash is not null;

create function auth_gateway.project_authorization(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_request jsonb;
begin
  case e.event_type
    when 'AuthorizationRequested', 'AuthorizationGranted' then
      v_request := case e.event_type when 'AuthorizationRequested' then e.data else e.data->'request' end;
      if v_request is not null then
        insert into authorizations (id, client_id, uai, session_id)
        values (e.stream_id, (v_request->>'clientId')::uuid, (v_request->>'uai')::uuid, (v_request->>'sessionId')::uuid)
        -- A pushed request comes again when its page is loaded again, perhaps by another person.
        on conflict (id) do update set uai = excluded.uai, session_id = excluded.session_id;
      end if;
    when 'AuthorizationCodeShown' then
      update authorizations set paste_hash = e.data->>'pasteHash' where id = e.stream_id;
    when 'AuthorizationPushed', 'PushedAuthorizationOpened', 'AuthorizationDenied', 'AuthorizationCodeRedeemed',
      'AuthorizationCodeRefused', 'AuthorizationCodeReplayed' then
      null;
  end case;
end $$;

insert into auth_gateway.read_models values ('authorizations', 'authorization', 'project_authorization');

-- Returns the client, signed-in person, consent and resources of an authorization request.
create function auth_gateway.find_for_authorize(p_client_id text, p_session uuid, p_handle_hash text) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select json_build_object(
      'client', case when c.id is not null then row_to_json(c) end,
      'resources', auth_gateway.resources_json(),
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'consent', (select row_to_json(n) from auth_gateway.consents n where n.uai = any (i.members) and n.client_id = c.id
        order by n.uai <> i.uai limit 1))
    from (select 1) as one
    left join auth_gateway.api_clients c on auth_gateway.client_key(c.client_id) = auth_gateway.client_key(p_client_id)
    left join auth_gateway.session_facts s on s.session_id = p_session and s.handle_hash = p_handle_hash
    left join auth_gateway.identities own on own.uai = s.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $$;

-- Returns the events of an authorization, by its id or manual code, with the client that asks, its person and session, and the seconds until
-- the limits open.
create function auth_gateway.find_authorization(p_id uuid, p_paste_hash text, p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_id uuid := coalesce(p_id, (select p.id from auth_gateway.authorizations p where p.paste_hash = p_paste_hash));
begin
  return (
    select json_build_object(
      'id', v_id,
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'authorization' and e.stream_id = v_id),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'requested_by', case when c.id is not null then row_to_json(c) end,
      'resources', auth_gateway.resources_json(),
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'consent', (select row_to_json(n) from auth_gateway.consents n where n.uai = any (i.members) and n.client_id = a.client_id
        order by n.uai <> i.uai limit 1),
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end)
    from (select 1) as one
    left join auth_gateway.authorizations a on a.id = v_id
    left join auth_gateway.api_clients c on c.id = a.client_id
    left join auth_gateway.session_facts s on s.session_id = a.session_id
    left join auth_gateway.identities own on own.uai = a.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $$;

grant execute on function auth_gateway.find_for_authorize, auth_gateway.find_authorization to auth_gateway_app;
