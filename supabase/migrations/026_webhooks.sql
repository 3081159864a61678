-- Webhooks that events are sent to. The signing secret is in event_secrets, sealed.
create table auth_gateway.webhooks (
  id              uuid primary key,
  settings        jsonb not null,
  organization_id uuid,
  status          text not null check (status in ('active', 'stopped')),
  status_reason   text,
  secret_event    uuid not null,
  -- Events after this position are sent: where the webhook was added, or where a replay begins.
  delivered_after bigint not null,
  -- Position of the event that set delivered_after: a cursor with another one starts again.
  delivered_since bigint not null,
  added_at        timestamptz not null,
  version         integer not null
);

create function auth_gateway.project_webhook(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'WebhookAdded' then
      insert into webhooks (id, settings, organization_id, status, secret_event, delivered_after, delivered_since, added_at, version)
      values (e.stream_id, e.data->'settings', (e.data->>'organizationId')::uuid, 'active', e.event_id, e.position, e.position,
        e.recorded_at, e.version);
    when 'WebhookChanged' then
      update webhooks set settings = e.data->'settings', version = e.version where id = e.stream_id;
    when 'WebhookSecretReplaced' then
      update webhooks set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'WebhookReplayed' then
      update webhooks set delivered_after = (e.data->>'after')::bigint, delivered_since = e.position, version = e.version where id = e.stream_id;
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

insert into auth_gateway.read_models values ('webhooks', 'webhook', 'project_webhook');

-- How far each webhook was sent events, and the deliveries that failed. Counted and retried, not events.
create table auth_gateway.webhook_cursors (
  webhook_id        uuid primary key,
  -- Everything up to here was delivered, or is in webhook_deliveries.
  position          bigint not null,
  -- Of the webhook when this cursor started.
  delivered_since   bigint not null,
  leased_until      timestamptz not null,
  delivered         bigint not null default 0,
  last_delivered_at timestamptz
);

create table auth_gateway.webhook_deliveries (
  webhook_id uuid not null,
  position   bigint not null,
  stream_id  uuid not null,
  status     text not null check (status in ('waiting', 'dead')),
  attempts   integer not null,
  next_at    timestamptz not null,
  failure    text,
  failed_at  timestamptz not null,
  primary key (webhook_id, position)
);
create index webhook_deliveries_dead on auth_gateway.webhook_deliveries (webhook_id, position) where status = 'dead';

-- Claims a webhook for some seconds, in which no other process sends to it. Returns the position to start after, or null when it is claimed.
create function auth_gateway.claim_webhook(p_id uuid, p_seconds integer) returns bigint
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  w webhooks;
  v_position bigint;
begin
  select * into w from webhooks where id = p_id and status = 'active';
  if not found then
    return null;
  end if;
  insert into webhook_cursors as c (webhook_id, position, delivered_since, leased_until)
  values (p_id, w.delivered_after, w.delivered_since, now() + make_interval(secs => p_seconds))
  on conflict (webhook_id) do update set leased_until = excluded.leased_until,
    position = case when c.delivered_since = excluded.delivered_since then c.position else excluded.position end,
    delivered_since = excluded.delivered_since
  where c.leased_until <= now()
  returning c.position into v_position;
  return v_position;
end $$;

-- Records the outcome of a turn and ends the claim.
--   p_outcomes [{"position", "stream_id", "status" delivered|waiting|dead, "attempts", "next_at", "failure"}]
create function auth_gateway.record_webhook_turn(p_id uuid, p_position bigint, p_outcomes jsonb, p_delivered integer) returns void
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  update webhook_cursors set position = greatest(position, p_position), leased_until = now(), delivered = delivered + p_delivered,
    last_delivered_at = case when p_delivered > 0 then now() else last_delivered_at end where webhook_id = p_id;
  delete from webhook_deliveries d using jsonb_to_recordset(p_outcomes) as o(position bigint, status text)
  where d.webhook_id = p_id and d.position = o.position and o.status = 'delivered';
  insert into webhook_deliveries as d (webhook_id, position, stream_id, status, attempts, next_at, failure, failed_at)
  select p_id, o.position, o.stream_id, o.status, o.attempts, o.next_at, o.failure, now()
  from jsonb_to_recordset(p_outcomes)
    as o(position bigint, stream_id uuid, status text, attempts integer, next_at timestamptz, failure text)
  where o.status <> 'delivered'
  on conflict (webhook_id, position) do update set status = excluded.status, attempts = excluded.attempts,
    next_at = excluded.next_at, failure = excluded.failure, failed_at = excluded.failed_at;
end $$;

-- Retries dead deliveries of a webhook: one, or all. Returns how many.
create function auth_gateway.retry_webhook_deliveries(p_id uuid, p_position bigint) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_count integer;
begin
  update webhook_deliveries set status = 'waiting', attempts = 0, next_at = now()
  where webhook_id = p_id and status = 'dead' and (p_position is null or position = p_position);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Deletes deliveries and cursors of removed webhooks.
create function auth_gateway.forget_removed_webhooks() returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  -- What was delivered to has a cursor.
  delete from webhook_deliveries d where d.webhook_id = any (array(
    select c.webhook_id from webhook_cursors c where not exists (select 1 from webhooks w where w.id = c.webhook_id)));
  delete from webhook_cursors c where not exists (select 1 from webhooks w where w.id = c.webhook_id);
$$;

grant execute on function auth_gateway.claim_webhook, auth_gateway.record_webhook_turn, auth_gateway.retry_webhook_deliveries,
  auth_gateway.forget_removed_webhooks to auth_gateway_app;
