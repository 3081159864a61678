-- How far the log is settled: no event at or below this position can still appear. Positions are drawn before their transactions end, so
-- followers of the log (checkpoints, outgoing webhooks) read up to here only.
create table auth_gateway.log_horizon (
  one            boolean primary key default true check (one),
  position       bigint not null,
  -- The newest position at the last look, and the transaction that looked.
  seen_position  bigint not null,
  transaction_id xid8 not null
);
insert into auth_gateway.log_horizon values (true, 0, 0, pg_current_xact_id());

-- Advances the horizon; returns it, and the newest position. A position drawn before a transaction looked belongs to an older transaction;
-- once all older ones have ended, its event is visible. So two calls in a row settle what was there before the first.
create function auth_gateway.settle_log(out settled bigint, out drawn bigint)
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v log_horizon;
begin
  drawn := (select last_value from event_position);
  select * into v from log_horizon for update;
  if v.transaction_id < pg_snapshot_xmin(pg_current_snapshot()) then
    v.position := v.seen_position;
    v.seen_position := drawn;
    v.transaction_id := pg_current_xact_id();
  elsif v.transaction_id > pg_current_xact_id() then
    -- The database was restored to a server that counts transactions from the start.
    v.seen_position := drawn;
    v.transaction_id := pg_current_xact_id();
  end if;
  update log_horizon set position = v.position, seen_position = v.seen_position, transaction_id = v.transaction_id
  where transaction_id <> v.transaction_id;
  settled := v.position;
end $$;

grant execute on function auth_gateway.settle_log to auth_gateway_app;

-- A Merkle tree (RFC 9162 section 2.1) over the hashes of all events by position, in tiles of 256 hashes: level 0 holds its leaves,
-- each level above the roots of the full tiles below. It only grows; the gateway signs its root at intervals.
create table auth_gateway.audit_tiles (
  level          smallint not null,
  index          bigint not null,
  hashes         bytea not null,
  -- Positions of the events, at level 0.
  positions      bigint[],
  first_position bigint,
  primary key (level, index)
);
create unique index audit_tiles_position on auth_gateway.audit_tiles (first_position) where level = 0;

create table auth_gateway.audit_tree (
  one      boolean primary key default true check (one),
  -- How many events it covers, and the position of the last one.
  size     bigint not null,
  position bigint not null
);
insert into auth_gateway.audit_tree values (true, 0, 0);

-- Signed notes (C2SP tlog-checkpoint): the size of the tree and its root. The key is not in this database.
create table auth_gateway.audit_checkpoints (
  size         bigint primary key,
  root         bytea not null,
  position     bigint not null,
  note         text not null,
  made_at      timestamptz not null default now(),
  -- When it was also published outside.
  published_at timestamptz
);
create index audit_checkpoints_unpublished on auth_gateway.audit_checkpoints (size) where published_at is null;

-- Adds tiles that the gateway computed, and the checkpoint over them. Returns false when another process was faster.
--   p_tiles [{"level", "index", "hashes" hex, "positions", "first_position"}]
create function auth_gateway.grow_audit_tree(
  p_size_before bigint, p_tiles jsonb, p_size bigint, p_position bigint, p_root bytea, p_note text
) returns boolean
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  update audit_tree set size = p_size, position = p_position
  where size = p_size_before and p_size > p_size_before and p_position > position and p_position <= (select h.position from log_horizon h);
  if not found then
    return false;
  end if;
  insert into audit_tiles as t (level, index, hashes, positions, first_position)
  select x.level, x.index, decode(x.hashes, 'hex'), x.positions, x.first_position
  from jsonb_to_recordset(p_tiles) as x(level smallint, index bigint, hashes text, positions bigint[], first_position bigint)
  on conflict (level, index) do update set hashes = excluded.hashes, positions = excluded.positions
  where length(t.hashes) < length(excluded.hashes);
  insert into audit_checkpoints (size, root, position, note) values (p_size, p_root, p_position, p_note);
  return true;
end $$;

create function auth_gateway.note_checkpoint_published(p_size bigint) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  update audit_checkpoints set published_at = now() where size <= p_size and published_at is null
$$;

grant execute on function auth_gateway.grow_audit_tree, auth_gateway.note_checkpoint_published to auth_gateway_app;

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

insert into auth_gateway.read_models values ('audit_log', 'audit_log', 'project_audit_log');

-- Refused requests; past a limit only their number by caller.
create table auth_gateway.refused_requests (
  id            uuid primary key,
  method        text,
  route         text,
  refusal       text,
  reason        text,
  uai           uuid,
  client_id     text,
  credential_id uuid,
  target        text,
  count         integer not null default 1,
  refused_at    timestamptz not null
);
create index refused_requests_at on auth_gateway.refused_requests (refused_at);

create function auth_gateway.project_refused_request(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'RequestRefused' then
      insert into refused_requests (id, method, route, refusal, reason, uai, client_id, credential_id, target, refused_at)
      values (e.stream_id, e.data->>'method', e.data->>'route', e.data->>'refusal', e.data->>'reason', nullif(e.subject, e.stream_id),
        e.data->>'clientId', (e.data->>'credentialId')::uuid, e.data->>'target', e.recorded_at);
    when 'RefusalsCounted' then
      insert into refused_requests (id, uai, client_id, count, refused_at)
      values (e.stream_id, nullif(e.subject, e.stream_id), e.data->>'clientId', (e.data->>'count')::integer, e.recorded_at);
  end case;
end $$;

insert into auth_gateway.read_models values ('refused_requests', 'refused_request', 'project_refused_request');
