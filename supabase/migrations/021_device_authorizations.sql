-- Device authorizations (RFC 8628). The user code is stored as a keyed hash: it is short enough to be guessed offline otherwise.
create table auth_gateway.device_authorizations (
  id             uuid primary key,
  client_id      uuid not null,
  user_code_hash text not null,
  status         text not null check (status in ('pending', 'approved', 'denied', 'redeemed')),
  scope          text[] not null,
  resources      text[] not null,
  -- The session that opened the code, and who approved.
  session_id     uuid,
  uai            uuid,
  origin         text,
  requested_at   timestamptz not null,
  expires_at     timestamptz not null,
  version        integer not null
);
create unique index device_authorizations_user_code on auth_gateway.device_authorizations (user_code_hash)
  where status = 'pending';

create function auth_gateway.project_device_authorization(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'DeviceAuthorizationRequested' then
      insert into device_authorizations (id, client_id, user_code_hash, status, scope, resources, origin, requested_at, expires_at, version)
      values (e.stream_id, (e.data->>'clientId')::uuid, e.data->>'userCodeHash', 'pending',
        array(select jsonb_array_elements_text(e.data->'scope')), array(select jsonb_array_elements_text(e.data->'resources')),
        e.data->'sealed'->>'origin', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'DeviceAuthorizationOpened' then
      update device_authorizations set session_id = (e.data->>'sessionId')::uuid, version = e.version where id = e.stream_id;
    when 'DeviceAuthorizationApproved' then
      update device_authorizations set status = 'approved', session_id = (e.data->>'sessionId')::uuid, uai = (e.data->>'uai')::uuid,
        version = e.version
      where id = e.stream_id;
    when 'DeviceAuthorizationDenied' then
      update device_authorizations set status = 'denied', version = e.version where id = e.stream_id;
    when 'DevicePollingSlowed' then
      update device_authorizations set version = e.version where id = e.stream_id;
    when 'DeviceCodeRedeemed' then
      update device_authorizations set status = 'redeemed', version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('device_authorizations', 'device_authorization', 'project_device_authorization');

-- Returns the events of a device code and its data key, the client that polls, the person who approved, and the seconds until the limits open.
create function auth_gateway.find_device(p_id uuid, p_client_id text, p_limits jsonb) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select json_build_object(
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'device_authorization' and e.stream_id = d.id),
      'wrappedKey', (select encode(k.wrapped_key, 'base64') from auth_gateway.subject_keys k where k.subject = d.id),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'session', case when s.session_id is not null then row_to_json(s) end,
      'person', case when i.uai is not null then row_to_json(i) end,
      'supabase', auth_gateway.supabase_resource(d.resources),
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end)
    from (select 1) as one
    left join auth_gateway.device_authorizations d on d.id = p_id
    left join auth_gateway.session_facts s on s.session_id = d.session_id and d.uai is not null
    left join auth_gateway.identities own on own.uai = d.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $$;

grant execute on function auth_gateway.find_device to auth_gateway_app;
