-- Every message and what became of it. Found by address through lookup_digests.
create table auth_gateway.messages (
  id          uuid primary key,
  channel     text not null,
  template    text not null,
  uai         uuid,
  status      text not null check (status in ('queued', 'accepted', 'failed', 'delayed', 'delivered', 'bounced', 'complained')),
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
      update messages set status = case when status in ('queued', 'failed') then 'accepted' else status end,
        provider = e.data->>'provider', provider_id = e.data->>'providerId', attempts = (e.data->>'attempts')::integer,
        reason = case when status in ('queued', 'failed') then null else reason end, version = e.version where id = e.stream_id;
    when 'MessageFailed' then
      update messages set status = 'failed', reason = e.data->>'reason', retryable = (e.data->>'retryable')::boolean, attempts = (e.data->>'attempts')::integer,
        settled_at = e.recorded_at, version = e.version where id = e.stream_id;
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

create function auth_gateway.rebuild_messages() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate messages;
  perform project_message(e) from event_store e where e.stream_type = 'message' order by e.position;
end $$;
