-- The event store: append-only, hash-chained per stream, partitioned by the lifetime of streams.
-- Every stream_id is a uuid v7, so streams sort by their creation.
create sequence auth_gateway.event_position;

create table auth_gateway.event_store (
  position       bigint not null,
  event_id       uuid not null,
  stream_type    text not null,
  stream_id      uuid not null,
  version        integer not null check (version > 0),
  event_type     text not null,
  schema_version smallint not null,
  subject        uuid,
  data           jsonb not null,
  metadata       jsonb not null,
  transaction_id xid8 not null,
  recorded_at    timestamptz not null,
  previous_hash  bytea not null,
  hash           bytea not null,
  primary key (stream_type, stream_id, version)
) partition by list (stream_type);

create index event_store_position on auth_gateway.event_store (position);
create index event_store_event_id on auth_gateway.event_store (event_id);
create index event_store_subject on auth_gateway.event_store (subject, position) where subject is not null;
-- Audit queries walk one of these indexes. None is partial: the planner has no statistics for a partial index on an expression, and would
-- walk all positions instead.
create index event_store_type on auth_gateway.event_store (event_type, position);
create index event_store_request on auth_gateway.event_store ((metadata->>'requestId'), position);
create index event_store_client on auth_gateway.event_store ((metadata->>'clientId'), position);
create index event_store_session on auth_gateway.event_store ((metadata->>'sessionId'), position);

create table auth_gateway.event_store_lasting partition of auth_gateway.event_store
  for values in ('identity', 'organization', 'api_client', 'consent', 'protected_resource', 'signing_key',
    'api_key', 'project', 'stored_key', 'agent_delegation', 'connection', 'hook', 'webhook', 'totp_authenticator', 'passkey',
    'recovery_codes', 'operator_code', 'remembered_device', 'sign_in_place',
    'suppression', 'sms_breaker', 'archive', 'audit_log', 'key_ring');

create table auth_gateway.event_store_short_lived partition of auth_gateway.event_store
  for values in ('session', 'otp_challenge', 'authorization', 'token_family', 'refused_request', 'record_read',
    'device_authorization', 'hook_call', 'message', 'pending_sign_in')
  partition by range (stream_id);

create table auth_gateway.event_store_short_lived_default partition of auth_gateway.event_store_short_lived default;

-- The latest version of each stream. The expected version is compared here under a row lock, and a stream whose last events were removed
-- no longer matches its head.
create table auth_gateway.stream_heads (
  stream_type text not null,
  stream_id   uuid not null,
  version     integer not null,
  hash        bytea not null,
  primary key (stream_type, stream_id)
);

-- Append-only for every role, the owner included.
create function auth_gateway.refuse_change() returns trigger
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  raise exception 'the event store is append-only' using errcode = 'LA002';
end $$;

create trigger append_only_rows before update or delete on auth_gateway.event_store
  for each row execute function auth_gateway.refuse_change();
create trigger append_only_table before truncate on auth_gateway.event_store
  for each statement execute function auth_gateway.refuse_change();
create trigger append_only_table before truncate on auth_gateway.event_store_lasting
  for each statement execute function auth_gateway.refuse_change();
create trigger append_only_table before truncate on auth_gateway.event_store_short_lived
  for each statement execute function auth_gateway.refuse_change();
create trigger append_only_table before truncate on auth_gateway.event_store_short_lived_default
  for each statement execute function auth_gateway.refuse_change();

-- The canonical form of an event, version 1: these fields, one per line (LF), UTF-8, without a final line end:
--   lanonasis-event-v1, position, event_id, stream_type, stream_id, version, event_type, schema_version, subject (or "-"),
--   transaction_id, recorded_at (UTC, YYYY-MM-DDTHH:MM:SS.ffffffZ), data, metadata
-- data and metadata are JSON as PostgreSQL prints jsonb: members sorted by the byte length of their key and then bytewise,
-- ", " between members, ": " after a key, the escapes of RFC 8259 section 7 in their short form. Numbers are integers.
create function auth_gateway.event_canonical(e auth_gateway.event_store) returns text
language sql stable as $$
  select concat_ws(E'\n', 'lanonasis-event-v1', e.position, e.event_id, e.stream_type, e.stream_id, e.version, e.event_type,
    e.schema_version, coalesce(e.subject::text, '-'), e.transaction_id,
    to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.data, e.metadata)
$$;

-- SHA-256 over the previous hash of the stream (32 zero bytes before the first event) and the canonical form.
create function auth_gateway.event_hash(e auth_gateway.event_store) returns bytea
language sql stable as $$
  select sha256(e.previous_hash || convert_to(auth_gateway.event_canonical(e), 'UTF8'))
$$;

-- Returns an event as streams are folded from. A statement that reads a stream names its type, so that other partitions are pruned.
create function auth_gateway.event_json(e auth_gateway.event_store) returns json
language sql stable
return json_build_object('event_id', e.event_id, 'version', e.version, 'type', e.event_type, 'data', e.data);

grant execute on function auth_gateway.event_json(auth_gateway.event_store) to auth_gateway_app;

-- Read models. A projector, `project_…`, writes the rows from the events of one stream type; the same function runs when an event is
-- appended and when the table is rebuilt. It is deterministic: no clock, no randomness, look-ups only in its own table and in the digests
-- beside the event.
create table auth_gateway.read_models (
  name        text primary key,
  stream_type text not null,
  projector   text not null
);

-- Rebuilds a read model from the events. For the owner only.
create function auth_gateway.rebuild_model(p_name text) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  m read_models;
begin
  select * into strict m from read_models where name = p_name;
  execute format('truncate %I', m.name);
  execute format('select %I(e) from event_store e where e.stream_type = %L order by e.position', m.projector, m.stream_type);
end $$;

-- Projects each event in the transaction that appends it. One trigger for all stream types: PostgreSQL parses the condition of every
-- trigger again for each insert, which would cost more than the projection.
create function auth_gateway.project_event() returns trigger
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  -- The most frequent first.
  case new.stream_type
    when 'session' then perform project_session(new);
    when 'token_family' then perform project_access_token_revocation(new); perform project_token_family(new);
    when 'authorization' then perform project_authorization(new);
    when 'otp_challenge' then perform project_otp_challenge(new);
    when 'message' then perform project_message(new);
    when 'device_authorization' then perform project_device_authorization(new);
    when 'api_key' then perform project_api_key(new); perform project_api_key_secret(new);
    when 'identity' then perform project_credential(new); perform project_identity(new);
    when 'organization' then perform project_organization(new);
    when 'api_client' then perform project_api_client(new);
    when 'protected_resource' then perform project_protected_resource(new);
    when 'consent' then perform project_consent(new);
    when 'signing_key' then perform project_signing_key(new);
    when 'project' then perform project_project(new);
    when 'stored_key' then perform project_stored_key(new);
    when 'refused_request' then perform project_refused_request(new);
    when 'record_read' then null; -- read from the log alone
    when 'key_ring' then null; -- the same
    when 'connection' then perform project_connection(new);
    when 'agent_delegation' then perform project_agent_delegation(new);
    when 'hook' then perform project_hook(new);
    when 'hook_call' then perform project_hook_call(new);
    when 'suppression' then perform project_suppression(new);
    when 'sms_breaker' then perform project_sms_breaker(new);
    when 'totp_authenticator' then perform project_totp_authenticator(new);
    when 'passkey' then perform project_passkey(new);
    when 'recovery_codes' then perform project_recovery_codes(new);
    when 'operator_code' then perform project_operator_code(new);
    when 'pending_sign_in' then perform project_pending_sign_in(new);
    when 'remembered_device' then perform project_remembered_device(new);
    when 'sign_in_place' then perform project_sign_in_place(new);
    when 'webhook' then perform project_webhook(new);
    when 'archive' then perform project_archive(new);
    when 'audit_log' then perform project_audit_log(new);
  end case; -- no else: an event without a projector fails the append
  return null;
end $$;

create trigger project_event after insert on auth_gateway.event_store
  for each row execute function auth_gateway.project_event();
