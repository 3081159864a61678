-- Stops of text messages: one row for each trip. Two requests that see the same pattern trip it once.
create table auth_gateway.sms_breakers (
  id         uuid primary key,
  country    text not null,
  cause      text not null,
  sent       integer not null,
  entered    integer,
  until      timestamptz not null,
  tripped_at timestamptz not null,
  lifted_at  timestamptz,
  version    integer not null
);
create unique index sms_breakers_tripped on auth_gateway.sms_breakers (country, until) where lifted_at is null;
create index sms_breakers_country on auth_gateway.sms_breakers (country, lifted_at);

create function auth_gateway.project_sms_breaker(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'SmsBreakerTripped' then
      insert into sms_breakers (id, country, cause, sent, entered, until, tripped_at, version)
      values (e.stream_id, e.data->>'country', e.data->>'cause', (e.data->>'sent')::integer, (e.data->>'entered')::integer,
        coalesce((e.data->>'until')::timestamptz, 'infinity'), e.recorded_at, e.version);
    when 'SmsBreakerLifted' then
      update sms_breakers set lifted_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_sms_breakers() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate sms_breakers;
  perform project_sms_breaker(e) from event_store e where e.stream_type = 'sms_breaker' order by e.position;
end $$;
