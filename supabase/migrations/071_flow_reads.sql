-- What the steps of OAuth read: one statement each, as 070_hot_reads.sql has them.

-- Every resource that a token can be made for.
create function auth_gateway.resources_json() returns json
language plpgsql stable as $$
begin
  return (select coalesce(json_agg(json_build_object('id', r.id, 'identifier', r.identifier, 'name', r.name, 'scopes', r.scopes,
    'is_default', r.is_default)), '[]') from auth_gateway.protected_resources r);
end $$;

-- An event as a stream is replayed from. Who reads a stream names its type in the statement, so that only its partitions are planned for.
create function auth_gateway.event_json(e auth_gateway.event_store) returns json
language sql stable
return json_build_object('event_id', e.event_id, 'version', e.version, 'type', e.event_type, 'data', e.data);

-- Client, signed-in person, remembered consent and known resources of an authorization request.
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

-- An authorization's history, by its id or the short form of its code, with the client that asks, its person and session, and the
-- seconds until the asked limits open.
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

-- The client that asks for a token in its own name, the known resources, and the seconds until the asked limits open.
create function auth_gateway.find_for_service(p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return json_build_object('client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end, 'resources', auth_gateway.resources_json(),
    'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end);
end $$;

-- A device code's history, the client that polls and the person who approved, and the seconds until the asked limits open.
create function auth_gateway.find_device(p_id uuid, p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select json_build_object(
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'device_authorization' and e.stream_id = d.id),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end)
    from (select 1) as one
    left join auth_gateway.device_authorizations d on d.id = p_id
    left join auth_gateway.session_facts s on s.session_id = d.session_id and d.uai is not null
    left join auth_gateway.identities own on own.uai = d.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $$;

grant execute on function auth_gateway.resources_json(), auth_gateway.event_json(auth_gateway.event_store),
  auth_gateway.find_for_authorize(text, uuid, text), auth_gateway.find_authorization(uuid, text, text, jsonb),
  auth_gateway.find_for_service(text, jsonb), auth_gateway.find_device(uuid, text, jsonb) to auth_gateway_app;
