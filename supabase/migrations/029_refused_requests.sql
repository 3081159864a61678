-- Requests that were refused; past a limit only how many of a caller there were.
create table auth_gateway.refused_requests (
  id            uuid primary key,
  method        text,
  route         text,
  refusal       text,
  reason        text,
  uai           uuid,
  client_id     text,
  credential_id uuid,
  target        text,
  count         integer not null default 1,
  refused_at    timestamptz not null
);
create index refused_requests_at on auth_gateway.refused_requests (refused_at);
create index refused_requests_uai on auth_gateway.refused_requests (uai, refused_at) where uai is not null;

create function auth_gateway.project_refused_request(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'RequestRefused' then
      insert into refused_requests (id, method, route, refusal, reason, uai, client_id, credential_id, target, refused_at)
      values (e.stream_id, e.data->>'method', e.data->>'route', e.data->>'refusal', e.data->>'reason', nullif(e.subject, e.stream_id),
        e.data->>'clientId', (e.data->>'credentialId')::uuid, e.data->>'target', e.recorded_at);
    when 'RefusalsCounted' then
      insert into refused_requests (id, uai, client_id, count, refused_at)
      values (e.stream_id, nullif(e.subject, e.stream_id), e.data->>'clientId', (e.data->>'count')::integer, e.recorded_at);
  end case;
end $$;

create function auth_gateway.rebuild_refused_requests() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate refused_requests;
  perform project_refused_request(e) from event_store e where e.stream_type = 'refused_request' order by e.position;
end $$;
