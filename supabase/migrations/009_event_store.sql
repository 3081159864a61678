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
    'api_key', 'project', 'stored_key', 'agent_delegation', 'connection', 'hook', 'webhook', 'totp_authenticator',
    'recovery_codes', 'operator_code',
    'suppression', 'sms_breaker', 'archive', 'audit_log');

create table auth_gateway.event_store_short_lived partition of auth_gateway.event_store
  for values in ('session', 'otp_challenge', 'authorization', 'token_family', 'refused_request', 'record_read',
    'device_authorization', 'hook_call', 'message')
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

-- Appends everything that one request decided, over any number of streams, or nothing. Deletable data beside an event is in its metadata,
-- and thereby in its hash, as a commitment: `digests` (kind: SHA-256 of salt and digest; the salt is deleted with the digest), `secrets`
-- (name: SHA-256 of the sealed bytes, and their expiry), and `subjectKey` (SHA-256 of the wrapped data key) in the first event of the
-- subject's own stream.
--   p_appends      [{"stream_type", "stream_id", "expected_version", "events": [{"event_id", "event_type", "schema_version",
--                    "subject", "data", "metadata", "digests": [{"kind", "digest" hex}],
--                    "secrets": [{"name", "sealed" hex, "expires_at"}]}]}]; expected_version 0 starts a stream
--   p_subject_keys [{"subject", "wrapped_key" hex}] for subjects that are new
--   p_limits       rate limits that this step consumes, see hit_rate_limits
-- Raises LA001 (another version of a stream, or the subject exists), LA003 (a rate limit is full; the detail is the seconds to wait,
-- nothing is counted).
create function auth_gateway.append_events(
  p_appends jsonb, p_subject_keys jsonb default '[]', p_limits jsonb default '[]'
) returns bigint
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  no_hash constant bytea := decode(repeat('00', 32), 'hex');
  a record;
  e record;
  v event_store;
  v_events event_store[] := '{}';
  v_wait integer;
  v_keys integer;
  v_key bytea;
begin
  if p_limits <> '[]' then
    v_wait := hit_rate_limits(p_limits);
    if v_wait > 0 then
      raise exception 'rate limit reached' using errcode = 'LA003', detail = v_wait::text;
    end if;
  end if;

  if p_subject_keys <> '[]' then
    insert into subject_keys (subject, wrapped_key)
    select k.subject, decode(k.wrapped_key, 'hex') from jsonb_to_recordset(p_subject_keys) as k(subject uuid, wrapped_key text)
    on conflict do nothing;
    get diagnostics v_keys = row_count;
    if v_keys < jsonb_array_length(p_subject_keys) then
      raise exception 'subject already known' using errcode = 'LA001';
    end if;
  end if;

  -- Locks are taken in one order by all, one look-up by key each: for a join, the planner would read the whole table. No stream starts for a
  -- person who is erased at the same time: the later of two transactions sees the earlier one.
  if jsonb_array_length(p_appends) > 1 or p_appends->0->>'expected_version' = '0' or p_appends->0->>'stream_type' = 'identity' then
    for a in
      select x.stream_type, x.stream_id, (x.events->0->>'subject')::uuid as person, x.expected_version = 0 as starts,
        x.stream_type = 'identity' and x.events @> '[{"event_type": "IdentityErased"}]' as erases
      from jsonb_to_recordset(p_appends) as x(stream_type text, stream_id uuid, expected_version integer, events jsonb)
      order by x.stream_type <> 'identity', x.expected_version > 0, 1, 2
    loop
      if not a.starts then
        perform 1 from stream_heads h where h.stream_type = a.stream_type and h.stream_id = a.stream_id for update;
        if a.erases then
          perform pg_advisory_xact_lock(hashtextextended(a.stream_id::text, 0));
        end if;
      elsif a.stream_type in ('session', 'token_family', 'authorization', 'consent', 'api_key', 'agent_delegation', 'project', 'stored_key',
        'totp_authenticator', 'recovery_codes') then
        perform pg_advisory_xact_lock_shared(hashtextextended(a.person::text, 0));
        perform 1 from identities i where i.uai = a.person and i.status = 'erased';
        if found then
          raise exception 'the person was erased' using errcode = 'LA001';
        end if;
      end if;
    end loop;
  end if;

  for a in
    select x.* from jsonb_to_recordset(p_appends)
      as x(stream_type text, stream_id uuid, expected_version integer, events jsonb)
  loop
    if a.expected_version = 0 then
      v.previous_hash := no_hash;
    else
      select h.hash into v.previous_hash from stream_heads h
      where h.stream_type = a.stream_type and h.stream_id = a.stream_id and h.version = a.expected_version for update;
      if not found then
        raise exception 'stream % % is not at version %', a.stream_type, a.stream_id, a.expected_version using errcode = 'LA001';
      end if;
    end if;

    v.stream_type := a.stream_type;
    v.stream_id := a.stream_id;
    v.version := a.expected_version;
    v.transaction_id := pg_current_xact_id();
    v.recorded_at := clock_timestamp();
    for e in
      select x.* from jsonb_to_recordset(a.events) as x(event_id uuid, event_type text, schema_version smallint, subject uuid, data jsonb,
        metadata jsonb, digests jsonb, secrets jsonb)
    loop
      v.position := nextval('event_position');
      v.event_id := e.event_id;
      v.version := v.version + 1;
      v.event_type := e.event_type;
      v.schema_version := e.schema_version;
      v.subject := e.subject;
      v.data := e.data;
      v.metadata := e.metadata;
      if v.version = 1 and p_subject_keys <> '[]' then
        select decode(k.wrapped_key, 'hex') into v_key
        from jsonb_to_recordset(p_subject_keys) as k(subject uuid, wrapped_key text) where k.subject = v.stream_id;
        if found then
          v.metadata := v.metadata || jsonb_build_object('subjectKey', encode(sha256(v_key), 'hex'));
        end if;
      end if;
      if jsonb_array_length(e.digests) > 0 then
        with kept as (
          insert into lookup_digests (event_id, stream_type, stream_id, subject, kind, salt, digest)
          select v.event_id, v.stream_type, v.stream_id, v.subject, d.kind, uuid_send(gen_random_uuid()), decode(d.digest, 'hex')
          from jsonb_to_recordset(e.digests) as d(kind text, digest text)
          returning kind, salt, digest)
        select v.metadata || jsonb_build_object('digests', jsonb_object_agg(kind, encode(sha256(salt || digest), 'hex')))
        into v.metadata from kept;
      end if;
      if jsonb_array_length(e.secrets) > 0 then
        with kept as (
          insert into event_secrets (event_id, name, stream_id, sealed, expires_at)
          select v.event_id, s.name, v.stream_id, decode(s.sealed, 'hex'), s.expires_at
          from jsonb_to_recordset(e.secrets) as s(name text, sealed text, expires_at timestamptz)
          returning name, sealed, expires_at)
        select v.metadata || jsonb_build_object('secrets', jsonb_object_agg(name,
          jsonb_strip_nulls(jsonb_build_object('sha256', encode(sha256(sealed), 'hex'), 'expiresAt', expires_at))))
        into v.metadata from kept;
      end if;
      v.hash := event_hash(v);
      v_events := v_events || v;
      v.previous_hash := v.hash;
    end loop;

    if a.expected_version = 0 then
      insert into stream_heads values (v.stream_type, v.stream_id, v.version, v.hash) on conflict do nothing;
      if not found then
        raise exception 'stream % % exists', a.stream_type, a.stream_id using errcode = 'LA001';
      end if;
    elsif v.version > a.expected_version then -- a stream without events is only required to be at its version
      update stream_heads h set version = v.version, hash = v.hash where h.stream_type = v.stream_type and h.stream_id = v.stream_id;
    end if;
  end loop;

  insert into event_store select * from unnest(v_events);
  return v.position;
end $$;

-- Appends for several requests of one process in one transaction. Each fails alone: its outcome is null, or its error.
--   p_requests one JSON object per line: {"appends", "subject_keys", "limits"}, see append_events. Parsed one by one, since a text that
--              cannot be stored must fail its own request only.
-- Waiting for a lock ends before the statement timeout, which would end the transaction of all.
create function auth_gateway.append_requests(p_requests text) returns jsonb
language plpgsql security definer set search_path = auth_gateway, pg_temp set lock_timeout = '5s' as $$
declare
  v_lines text[] := string_to_array(p_requests, E'\n');
  v_outcomes jsonb := '[]';
  v_line text;
  v_detail text;
begin
  if cardinality(v_lines) = 1 then
    perform append_events(r.appends, r.subject_keys, r.limits)
    from jsonb_to_record(p_requests::jsonb) as r(appends jsonb, subject_keys jsonb, limits jsonb);
    return '[null]';
  end if;
  foreach v_line in array v_lines loop
    begin
      perform append_events(r.appends, r.subject_keys, r.limits)
      from jsonb_to_record(v_line::jsonb) as r(appends jsonb, subject_keys jsonb, limits jsonb);
      v_outcomes := v_outcomes || jsonb 'null';
    exception when others then
      get stacked diagnostics v_detail = pg_exception_detail;
      v_outcomes := v_outcomes || jsonb_build_array(jsonb_build_object('code', sqlstate, 'message', sqlerrm, 'detail', v_detail));
    end;
  end loop;
  return v_outcomes;
end $$;

grant execute on function auth_gateway.append_requests(text) to auth_gateway_app;

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
    when 'connection' then perform project_connection(new);
    when 'agent_delegation' then perform project_agent_delegation(new);
    when 'hook' then perform project_hook(new);
    when 'hook_call' then perform project_hook_call(new);
    when 'suppression' then perform project_suppression(new);
    when 'sms_breaker' then perform project_sms_breaker(new);
    when 'totp_authenticator' then perform project_totp_authenticator(new);
    when 'recovery_codes' then perform project_recovery_codes(new);
    when 'operator_code' then perform project_operator_code(new);
    when 'webhook' then perform project_webhook(new);
    when 'archive' then perform project_archive(new);
    when 'audit_log' then perform project_audit_log(new);
  end case; -- no else: an event without a projector fails the append
  return null;
end $$;

create trigger project_event after insert on auth_gateway.event_store
  for each row execute function auth_gateway.project_event();
