-- Places outside that are told of events. A signing secret stands in event_secrets, sealed.
create table auth_gateway.webhooks (
  id              uuid primary key,
  settings        jsonb not null,
  organization_id uuid,
  status          text not null check (status in ('active', 'stopped')),
  status_reason   text,
  secret_event    uuid not null,
  -- What came after it is told: the position at which it was added, or from which it was to be told once more.
  told_after      bigint not null,
  -- Of the event that said so: each begins anew.
  told_since      bigint not null,
  added_at        timestamptz not null,
  version         integer not null
);

create function auth_gateway.project_webhook(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'WebhookAdded' then
      insert into webhooks (id, settings, organization_id, status, secret_event, told_after, told_since, added_at, version)
      values (e.stream_id, e.data->'settings', (e.data->>'organizationId')::uuid, 'active', e.event_id, e.position, e.position,
        e.recorded_at, e.version);
    when 'WebhookChanged' then
      update webhooks set settings = e.data->'settings', version = e.version where id = e.stream_id;
    when 'WebhookSecretReplaced' then
      update webhooks set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'WebhookReplayed' then
      update webhooks set told_after = (e.data->>'after')::bigint, told_since = e.position, version = e.version where id = e.stream_id;
    when 'WebhookRetried' then
      update webhooks set version = e.version where id = e.stream_id;
    when 'WebhookStopped' then
      update webhooks set status = 'stopped', status_reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'WebhookStarted' then
      update webhooks set status = 'active', status_reason = null, version = e.version where id = e.stream_id;
    when 'WebhookRemoved' then
      delete from webhooks where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_webhooks() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate webhooks;
  perform project_webhook(e) from event_store e where e.stream_type = 'webhook' order by e.position;
end $$;
select auth_gateway.close_to_public();
