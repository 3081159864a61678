-- What operators read of others, so that it can be asked who looked at a person.
create table auth_gateway.record_reads (
  id              uuid primary key,
  operator        uuid not null,
  organization_id uuid,
  method          text not null,
  route           text not null,
  target          uuid,
  read_at         timestamptz not null
);
create index record_reads_target on auth_gateway.record_reads (target, read_at) where target is not null;
create index record_reads_operator on auth_gateway.record_reads (operator, read_at);

create function auth_gateway.project_record_read(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'RecordsRead' then
      insert into record_reads (id, operator, organization_id, method, route, target, read_at)
      values (e.stream_id, (e.metadata->>'actor')::uuid, (e.data->>'organizationId')::uuid, e.data->>'method', e.data->>'route',
        (e.data->>'target')::uuid, e.recorded_at);
  end case;
end $$;

create function auth_gateway.rebuild_record_reads() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate record_reads;
  perform project_record_read(e) from event_store e where e.stream_type = 'record_read' order by e.position;
end $$;

select auth_gateway.close_to_public();
