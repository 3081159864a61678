-- Addresses that get nothing more until an operator lifts it. Found by address through lookup_digests.
create table auth_gateway.suppressions (
  id            uuid primary key,
  channel       text not null,
  cause         text not null,
  reason        text,
  message_id    uuid,
  suppressed_at timestamptz not null,
  lifted_at     timestamptz,
  version       integer not null
);

create function auth_gateway.project_suppression(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'AddressSuppressed' then
      insert into suppressions (id, channel, cause, reason, message_id, suppressed_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'cause', e.data->>'reason', (e.data->>'messageId')::uuid, e.recorded_at, e.version);
    when 'SuppressionLifted' then
      update suppressions set lifted_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_suppressions() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate suppressions;
  perform project_suppression(e) from event_store e where e.stream_type = 'suppression' order by e.position;
end $$;
