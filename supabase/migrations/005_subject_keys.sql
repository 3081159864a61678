-- One data key per person (or per stream while no identity is known), wrapped by a key derived from the master secret.
-- Deleting a row makes everything sealed under it unreadable for good.
create table auth_gateway.subject_keys (
  subject     uuid primary key,
  wrapped_key bytea not null,
  created_at  timestamptz not null default now()
);
