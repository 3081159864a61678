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
language plpgsql set search_path = auth_gateway, pg_temp as $$
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

  -- Locks are taken in one order by all, one look-up by key each: for a join, the planner would read the whole table. A single stream is
  -- locked below, where its hash is read. No stream starts for a person who is erased at the same time: the later of two transactions sees
  -- the earlier one.
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
        'totp_authenticator', 'passkey', 'recovery_codes') then
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
  -- A request alone needs no subtransaction: its error is the error of the statement.
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
