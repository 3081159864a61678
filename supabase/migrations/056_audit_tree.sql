-- A Merkle tree (RFC 9162 section 2.1) over the hashes of all events by position, in tiles of 256 hashes: level 0 holds its leaves,
-- each level above the roots of the full tiles below. It only grows; the gateway signs its root at intervals.
create table auth_gateway.audit_tiles (
  level          smallint not null,
  index          bigint not null,
  hashes         bytea not null,
  -- Of the events, at level 0.
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
  -- When it was also put somewhere outside.
  published_at timestamptz
);
create index audit_checkpoints_unpublished on auth_gateway.audit_checkpoints (size) where published_at is null;

-- Grows the tree by what the gateway worked out, and keeps the checkpoint over it. Answers false when somebody else was faster.
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

grant execute on function auth_gateway.grow_audit_tree(bigint, jsonb, bigint, bigint, bytea, text),
  auth_gateway.note_checkpoint_published(bigint) to auth_gateway_app;
select auth_gateway.close_to_public();
