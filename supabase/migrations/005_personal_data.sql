-- One data key per person (or per stream while no identity is known), wrapped by a key derived from the master secret.
-- Everything sealed under a key becomes unreadable when its row is deleted.
create table auth_gateway.subject_keys (
  subject     uuid primary key,
  wrapped_key bytea not null,
  created_at  timestamptz not null default now()
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
-- the master secret), an answer stored for a short replay (sealed under the presented token).
create table auth_gateway.event_secrets (
  event_id   uuid not null,
  name       text not null,
  stream_id  uuid not null,
  sealed     bytea not null,
  expires_at timestamptz,
  primary key (event_id, name)
);
create index event_secrets_stream on auth_gateway.event_secrets (stream_id, name);
create index event_secrets_expiry on auth_gateway.event_secrets (expires_at) where expires_at is not null;

-- A constant sealed under a key from the master secret: shows whether a process that opens this database has the right secret.
create table auth_gateway.key_check (
  one     boolean primary key default true check (one),
  sealed  bytea not null,
  made_at timestamptz not null default now()
);

-- Stores the value of the first process that opens a new database. Returns the stored one.
create function auth_gateway.keep_key_check(p_sealed bytea) returns bytea
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  insert into key_check (sealed) values (p_sealed) on conflict do nothing;
  return (select k.sealed from key_check k);
end $$;

grant execute on function auth_gateway.keep_key_check to auth_gateway_app;
