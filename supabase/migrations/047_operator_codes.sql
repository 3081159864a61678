-- One-time codes that operators made for a person, and what became of them.
create table auth_gateway.operator_codes (
  id              uuid primary key,
  uai             uuid not null,
  status          text not null check (status in ('waiting', 'ready', 'used', 'revoked', 'locked')),
  operator        uuid not null,
  second_operator uuid,
  -- Of the person, when it was made; void once that has changed.
  standing        integer not null,
  -- Sealed under the data key of the person.
  reason          text,
  part_hashes     text[] not null,
  attempts        integer not null default 0,
  requested_at    timestamptz not null,
  expires_at      timestamptz not null,
  version         integer not null
);
create index operator_codes_uai on auth_gateway.operator_codes (uai, requested_at desc);
create index operator_codes_open on auth_gateway.operator_codes (expires_at) where status in ('waiting', 'ready');

create function auth_gateway.project_operator_code(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'OperatorCodeRequested' then
      insert into operator_codes (id, uai, status, operator, standing, reason, part_hashes, requested_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, case when (e.data->>'needsSecond')::boolean then 'waiting' else 'ready' end,
        (e.data->>'operator')::uuid, (e.data->>'standing')::integer, e.data->'sealed'->>'reason', array[e.data->>'partHash'], e.recorded_at, (e.data->>'expiresAt')::timestamptz,
        e.version);
    when 'OperatorCodeApproved' then
      update operator_codes set status = 'ready', second_operator = (e.data->>'operator')::uuid,
        part_hashes = part_hashes || (e.data->>'partHash'), expires_at = (e.data->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'OperatorCodeRevoked' then
      update operator_codes set status = 'revoked', version = e.version where id = e.stream_id;
    when 'OperatorCodeRefused' then
      update operator_codes set attempts = (e.data->>'attempt')::integer, version = e.version,
        status = case when (e.data->>'attempt')::integer >= 10000 then 'locked' else status end
      where id = e.stream_id;
    when 'OperatorCodeUsed' then
      update operator_codes set status = 'used', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_operator_codes() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate operator_codes;
  perform project_operator_code(e) from event_store e where e.stream_type = 'operator_code' order by e.position;
end $$;
