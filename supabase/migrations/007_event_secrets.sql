-- Material that travels beside an event because it must be able to vanish or must not be in the log: a private signing
-- key (sealed under the master secret), an answer kept for a short replay (sealed under the token that was presented).
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
