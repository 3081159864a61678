-- One data key per person (or per stream while no identity is known), wrapped by a key of the key ring.
-- Everything sealed under a key becomes unreadable when its row is deleted.
create table auth_gateway.subject_keys (
  subject     uuid primary key,
  wrapped_key bytea not null,
  created_at  timestamptz not null default now(),
  -- Its place in a batch, if it was sealed again: see rewrapped_batches.
  batch       integer,
  leaf        integer,
  salt        bytea
);

-- Keyed digests (HMAC) of personal data, beside the event and never in it. They allow look-ups, show nothing in a dump, and are deleted
-- when a person is erased.
create table auth_gateway.lookup_digests (
  event_id    uuid not null,
  stream_type text not null,
  stream_id   uuid not null,
  subject     uuid not null,
  kind        text not null,
  salt        bytea not null,
  digest      bytea not null,
  primary key (event_id, kind)
);
create index lookup_digests_digest on auth_gateway.lookup_digests (kind, digest, stream_id desc);
create index lookup_digests_subject on auth_gateway.lookup_digests (subject);

-- Secrets that belong to an event but must not be in the log, or must be deletable: private keys, TOTP secrets, stored values (sealed under
-- a key of the key ring), an answer stored for a short replay (sealed under the presented token).
create table auth_gateway.event_secrets (
  event_id   uuid not null,
  name       text not null,
  stream_id  uuid not null,
  sealed     bytea not null,
  expires_at timestamptz,
  -- Its place in a batch, if it was sealed again: see rewrapped_batches.
  batch      integer,
  leaf       integer,
  salt       bytea,
  primary key (event_id, name)
);
create index event_secrets_stream on auth_gateway.event_secrets (stream_id, name);
create index event_secrets_expiry on auth_gateway.event_secrets (expires_at) where expires_at is not null;

-- The key ring: every key of the gateway, sealed under the root key, which a root outside of the database has wrapped (a secret of the
-- environment, or a key management service).
create table auth_gateway.key_root (
  one     boolean primary key default true check (one),
  -- Rises with every change of the ring, so that processes read it again.
  version integer not null default 1,
  -- Names the root, and shows whether a process that opens this database has the right one.
  root    text not null,
  wrapped bytea not null,
  made_at timestamptz not null default now()
);

create table auth_gateway.key_ring (
  id          uuid primary key,
  purpose     text not null,
  epoch       integer not null check (epoch > 0),
  sealed      bytea not null,
  active_from timestamptz not null,
  unique (purpose, epoch)
);

create function auth_gateway.read_key_ring() returns json
language sql stable set search_path = auth_gateway, pg_temp as $$
  select json_build_object('version', r.version, 'root', r.root, 'wrapped', encode(r.wrapped, 'base64'), 'keys', (
    select json_agg(json_build_object('id', k.id, 'purpose', k.purpose, 'epoch', k.epoch, 'sealed', encode(k.sealed, 'base64'),
      'active_from', k.active_from)) from key_ring k))
  from key_root r
$$;

-- Stores the ring of the first process that opens a new database. Returns the stored one.
--   p_keys [{"id", "purpose", "epoch", "sealed" base64, "active_from"}]
create function auth_gateway.keep_key_ring(p_root text, p_wrapped bytea, p_keys jsonb) returns json
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  insert into key_root (root, wrapped) values (p_root, p_wrapped) on conflict do nothing;
  if found then
    insert into key_ring (id, purpose, epoch, sealed, active_from)
    select k.id, k.purpose, k.epoch, decode(k.sealed, 'base64'), k.active_from
    from jsonb_to_recordset(p_keys) as k(id uuid, purpose text, epoch integer, sealed text, active_from timestamptz);
  end if;
  return read_key_ring();
end $$;

-- Adds keys, if the ring is of that version: keys that were sealed for another one may be sealed under a root that was replaced.
create function auth_gateway.add_to_key_ring(p_version integer, p_keys jsonb) returns void
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  update key_root set version = version + 1 where version = p_version;
  if found then
    insert into key_ring (id, purpose, epoch, sealed, active_from)
    select k.id, k.purpose, k.epoch, decode(k.sealed, 'base64'), k.active_from
    from jsonb_to_recordset(p_keys) as k(id uuid, purpose text, epoch integer, sealed text, active_from timestamptz);
  end if;
end $$;

-- Replaces the root and what the keys are sealed under; the keys stay. Returns false if the ring is not of that version any more. For the
-- owner only: a role that may call it could make the database unreadable.
create function auth_gateway.replace_key_root(p_version integer, p_root text, p_wrapped bytea, p_keys jsonb) returns boolean
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_count integer;
begin
  update key_root set version = version + 1, root = p_root, wrapped = p_wrapped where version = p_version;
  if not found then
    return false;
  end if;
  update key_ring k set sealed = decode(n.sealed, 'base64')
  from jsonb_to_recordset(p_keys) as n(id uuid, sealed text) where n.id = k.id;
  get diagnostics v_count = row_count;
  if v_count <> (select count(*) from key_ring) then
    raise exception 'not every key of the ring was sealed again';
  end if;
  return true;
end $$;

-- Values that were sealed again under keys of a new epoch (`npm run keys -- rewrap`). Their events have the digest of what was sealed first;
-- what is stored now is anchored here. The leaf of a value is a salted digest, which reveals nothing once the salt is deleted with the value;
-- the note states the root over the leaves of a batch (RFC 9162 section 2.1), signed by the key of the audit log.
create table auth_gateway.rewrapped_batches (
  epoch  integer not null,
  batch  integer not null,
  leaves bytea not null,
  root   bytea not null,
  note   text not null,
  primary key (epoch, batch)
);
alter table auth_gateway.rewrapped_batches alter column leaves set storage external;

-- The epoch of the key that sealed a value: two bytes after version 2, else 1.
create function auth_gateway.sealed_epoch(p_sealed bytea) returns integer
language sql immutable
return case when length(p_sealed) < 3 then 1 when get_byte(p_sealed, 0) <> 2 then 1
  else get_byte(p_sealed, 1) * 256 + get_byte(p_sealed, 2) end;

-- Whether a secret is sealed under a key of the key ring; others are sealed under the data key of a person, or a token.
create function auth_gateway.is_ring_sealed(p_name text) returns boolean
language sql immutable
return p_name in ('private_jwk', 'client_secret', 'private_key', 'signing_secret', 'upstream', 'parameters');

-- Whether the batch of a value, of the epoch of its key, has its leaf.
create function auth_gateway.is_rewrapped(p_name text, p_sealed bytea, p_batch integer, p_leaf integer, p_salt bytea) returns boolean
language sql stable
return exists (
  select from auth_gateway.rewrapped_batches b
  where b.epoch = auth_gateway.sealed_epoch(p_sealed) and b.batch = p_batch
    and substring(b.leaves from p_leaf * 32 + 1 for 32) = sha256('\x00'::bytea || sha256(p_salt || convert_to(p_name || E'\n', 'UTF8') || p_sealed)));

-- Refuses what a key has sealed that is gone: a process that has not read the key ring since then would lose it.
create function auth_gateway.refuse_replaced_key() returns trigger
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_sealed bytea;
begin
  if tg_table_name = 'subject_keys' then
    v_sealed := new.wrapped_key;
  elsif not is_ring_sealed(new.name) then
    return new;
  else
    v_sealed := new.sealed;
  end if;
  if sealed_epoch(v_sealed) < (select min(k.epoch) from key_ring k where k.purpose = 'subject-key-wrapping') then
    raise exception 'sealed under a key that was replaced: the key ring was not read again';
  end if;
  return new;
end $$;

create trigger refuse_replaced_key before insert on auth_gateway.subject_keys
  for each row execute function auth_gateway.refuse_replaced_key();
create trigger refuse_replaced_key before insert on auth_gateway.event_secrets
  for each row execute function auth_gateway.refuse_replaced_key();

grant execute on function auth_gateway.sealed_epoch, auth_gateway.is_ring_sealed, auth_gateway.is_rewrapped to auth_gateway_app;
grant execute on function auth_gateway.read_key_ring, auth_gateway.keep_key_ring, auth_gateway.add_to_key_ring to auth_gateway_app;
