-- Sign-ins of devices that have no browser (RFC 8628). The user code is kept as a keyed hash: few letters could be tried out offline.
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
  family_id      uuid,
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
      update device_authorizations set status = 'redeemed', family_id = (e.data->>'familyId')::uuid, version = e.version
      where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_device_authorizations() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate device_authorizations;
  perform project_device_authorization(e) from event_store e where e.stream_type = 'device_authorization' order by e.position;
end $$;
