-- The log as a whole: the name under which its checkpoints are signed.
create table auth_gateway.audit_log (
  id       uuid primary key,
  origin   text not null,
  begun_at timestamptz not null,
  version  integer not null
);

create function auth_gateway.project_audit_log(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'AuditLogBegun' then
      insert into audit_log (id, origin, begun_at, version) values (e.stream_id, e.data->>'origin', e.recorded_at, e.version);
    when 'AuditLogOriginChanged', 'AuditLogRestored' then
      update audit_log set origin = e.data->>'origin', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_audit_log() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate audit_log;
  perform project_audit_log(e) from event_store e where e.stream_type = 'audit_log' order by e.position;
end $$;

select auth_gateway.close_to_public();
