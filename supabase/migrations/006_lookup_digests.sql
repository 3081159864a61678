-- Keyed digests (HMAC) of personal data, beside the event and never in it: look-ups work, a dump shows nothing,
-- and forgetting a person is deleting rows here.
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
