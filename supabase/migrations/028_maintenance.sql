-- Returns the smallest uuid v7 of an instant (RFC 9562 section 5.7), for the bounds of monthly partitions.
create function auth_gateway.uuid_v7_floor(p_at timestamptz) returns uuid
language sql immutable set search_path = auth_gateway, pg_temp as $$
  select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

grant execute on function auth_gateway.uuid_v7_floor to auth_gateway_app;

-- Creates the monthly partitions from p_from for p_months months that do not exist yet, but for months with streams in the default
-- partition. Returns how many were created.
create function auth_gateway.ensure_event_partitions(p_from timestamptz, p_months integer) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_start timestamptz;
  v_name text;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('auth_gateway.ensure_event_partitions'));
  for i in 0 .. p_months - 1 loop
    v_start := (date_trunc('month', p_from at time zone 'UTC') + make_interval(months => i)) at time zone 'UTC';
    v_name := 'event_store_' || to_char(v_start at time zone 'UTC', 'YYYY_MM');
    continue when to_regclass('auth_gateway.' || v_name) is not null;
    continue when exists (
      select 1 from event_store_short_lived_default
      where stream_id >= uuid_v7_floor(v_start)
        and stream_id < uuid_v7_floor((v_start at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
    execute format('create table %I partition of event_store_short_lived for values from (%L) to (%L)',
      v_name, uuid_v7_floor(v_start), uuid_v7_floor((v_start at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
    execute format('alter table %I enable row level security', v_name);
    execute format('create trigger append_only_table before truncate on %I for each statement execute function refuse_change()',
      v_name);
    v_made := v_made + 1;
  end loop;
  return v_made;
end $$;

select auth_gateway.ensure_event_partitions(now(), 4);

-- Deletes a batch of the rows that meet a condition, which is SQL. Returns how many. For the owner only.
create function auth_gateway.delete_batch(p_table regclass, p_condition text, p_batch integer) returns integer
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_count integer;
begin
  execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where %2$s limit $1 for update skip locked))',
    p_table, p_condition) using p_batch;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- The scheduled job: creates partitions ahead, and deletes expired rows and the secrets of what was replaced or removed, a batch at a time;
-- neither log nor read models. Returns how many.
create function auth_gateway.maintain(p_batch integer) returns jsonb
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  return jsonb_build_object(
    'partitions', ensure_event_partitions(now(), 4),
    'rateLimits', delete_batch('rate_limits', 'expires_at <= now()', p_batch),
    'replayGuard', delete_batch('replay_guard', 'expires_at <= now()', p_batch),
    'formStates', sweep_form_states(p_batch),
    'eventSecrets', delete_batch('event_secrets', 'expires_at <= now()', p_batch),
    'oldValues', delete_batch('event_secrets',
      'name = ''stored_value'' and not exists (select 1 from stored_keys k where k.value_event = event_id)', p_batch),
    'removedAuthenticators', delete_batch('event_secrets',
      'name = ''totp_secret'' and not exists (select 1 from totp_authenticators a where a.secret_event = event_id)', p_batch),
    'retiredConnectionKeys', delete_batch('event_secrets', 'name = ''private_key'' and not is_connection_key(event_id)', p_batch));
end $$;

grant execute on function auth_gateway.maintain to auth_gateway_app;

-- One row that readiness updates, to see that the database takes writes: not so on a full disk or a read-only replica.
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

grant execute on function auth_gateway.beat to auth_gateway_app;
