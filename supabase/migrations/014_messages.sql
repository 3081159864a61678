-- Messages and their delivery status. Found by address through lookup_digests.
create table auth_gateway.messages (
  id          uuid primary key,
  channel     text not null,
  template    text not null,
  uai         uuid,
  status      text not null check (status in
                ('queued', 'accepted', 'failed', 'unconfirmed', 'delayed', 'delivered', 'bounced', 'complained')),
  provider    text,
  provider_id text,
  reason      text,
  attempts    integer not null default 0,
  retryable   boolean not null default false,
  queued_at   timestamptz not null,
  settled_at  timestamptz,
  version     integer not null
);
create index messages_queued_at on auth_gateway.messages (queued_at);

create function auth_gateway.project_message(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'MessageQueued' then
      insert into messages (id, channel, template, uai, status, queued_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'template', (e.data->>'uai')::uuid, 'queued', e.recorded_at, e.version);
    when 'MessageAccepted' then
      update messages set status = case when status in ('queued', 'failed', 'unconfirmed') then 'accepted' else status end,
        provider = e.data->>'provider', provider_id = e.data->>'providerId', attempts = (e.data->>'attempts')::integer,
        reason = case when status in ('queued', 'failed', 'unconfirmed') then null else reason end, version = e.version where id = e.stream_id;
    when 'MessageFailed' then
      update messages set status = 'failed', reason = e.data->>'reason', retryable = (e.data->>'retryable')::boolean,
        attempts = (e.data->>'attempts')::integer, settled_at = e.recorded_at, version = e.version where id = e.stream_id;
    when 'MessageUnconfirmed' then
      update messages set status = 'unconfirmed', version = e.version where id = e.stream_id;
    when 'MessageDelayed' then
      update messages set status = 'delayed', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'MessageDelivered' then
      update messages set status = 'delivered', reason = null, settled_at = e.recorded_at, version = e.version where id = e.stream_id;
    when 'MessageBounced' then
      update messages set status = 'bounced', reason = e.data->>'reason', settled_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'MessageComplained' then
      update messages set status = 'complained', settled_at = e.recorded_at, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('messages', 'message', 'project_message');

-- Addresses that get no messages until an operator lifts the suppression. Found by address through lookup_digests.
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

insert into auth_gateway.read_models values ('suppressions', 'suppression', 'project_suppression');

-- Breakers of text messages, one row for each trip. Two requests that see the same pattern trip a breaker once.
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
create unique index sms_breakers_tripped on auth_gateway.sms_breakers
  (country, until, (case when cause = 'daily_cap' then sent else 0 end)) where lifted_at is null;
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

insert into auth_gateway.read_models values ('sms_breakers', 'sms_breaker', 'project_sms_breaker');

-- Returns the seconds until new addresses get codes by text message from these sources again: a caller, a network, a range, a block of
-- numbers. A source is full when its limit of codes was not entered; each entered code makes up for five.
--   p_sources [{"kind": text, "digest": hex, "max": int, "seconds": int}]
create function auth_gateway.sms_source_wait(p_sources jsonb) returns integer
language plpgsql stable as $$
declare
  s record;
  v_oldest timestamptz;
  v_sent integer;
  v_entered integer;
  v_wait integer := 0;
begin
  for s in select * from jsonb_to_recordset(p_sources) as x(kind text, digest text, max integer, seconds integer)
  loop
    select min(c.issued_at), count(*), count(*) filter (where c.status = 'consumed') into v_oldest, v_sent, v_entered
    from auth_gateway.lookup_digests d join auth_gateway.otp_challenges c on c.id = d.stream_id
    where d.kind = s.kind and d.digest = decode(s.digest, 'hex') and c.status <> 'undelivered'
      and c.issued_at > now() - make_interval(secs => s.seconds);
    if v_sent - 5 * v_entered >= s.max then
      v_wait := greatest(v_wait, ceil(extract(epoch from v_oldest + make_interval(secs => s.seconds) - now()))::int, 1);
    end if;
  end loop;
  return v_wait;
end $$;

grant execute on function auth_gateway.sms_source_wait to auth_gateway_app;
