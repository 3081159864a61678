-- What a scheduled job does: partitions are made ahead, and what has expired is forgotten, a batch at a time. Nothing here is
-- part of the log or of a read model. Answers how much was made and deleted.
create function auth_gateway.maintain(p_batch integer) returns jsonb
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_partitions integer := ensure_event_partitions(now(), 4);
  v_limits integer;
  v_replays integer;
  v_secrets integer;
begin
  delete from rate_limits where bucket in (select bucket from rate_limits where expires_at <= now() limit p_batch for update skip locked);
  get diagnostics v_limits = row_count;
  delete from replay_guard where (scope, key) in
    (select scope, key from replay_guard where expires_at <= now() limit p_batch for update skip locked);
  get diagnostics v_replays = row_count;
  delete from event_secrets where (event_id, name) in
    (select event_id, name from event_secrets where expires_at <= now() limit p_batch for update skip locked);
  get diagnostics v_secrets = row_count;
  return jsonb_build_object('partitions', v_partitions, 'rateLimits', v_limits, 'replayGuard', v_replays, 'eventSecrets', v_secrets,
    'formStates', sweep_form_states(p_batch),
    'oldValues', destroy_old_values(p_batch), 'removedAuthenticators', destroy_removed_authenticators(p_batch),
    'retiredConnectionKeys', destroy_retired_connection_keys(p_batch));
end $$;

grant execute on function auth_gateway.maintain(integer) to auth_gateway_app;

-- Whether this database takes writes: readiness changes the one row here. A full disk and a read-only replica fail it.
create table auth_gateway.heartbeat (
  one       boolean primary key default true check (one),
  beaten_at timestamptz not null
);
insert into auth_gateway.heartbeat values (true, now());

-- Writes, once a second at most, and returns the time of the database.
create function auth_gateway.beat() returns timestamptz
language plpgsql volatile security definer set search_path = auth_gateway, pg_temp as $$
begin
  update heartbeat set beaten_at = clock_timestamp() where beaten_at < clock_timestamp() - interval '1 second';
  return clock_timestamp();
end $$;

grant execute on function auth_gateway.beat() to auth_gateway_app;
