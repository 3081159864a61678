-- The session that makes a browser known to a person: theirs, at most half a year old, and not ended from elsewhere. Null when none of
-- these does.
create function auth_gateway.known_browser(p_uai uuid, p_sessions jsonb) returns uuid
language plpgsql stable as $$
begin
  return (
    select s.id from auth_gateway.sessions s join auth_gateway.identities i on i.uai = s.uai
    where s.id in (select x::uuid from jsonb_array_elements_text(p_sessions) x) and i.canonical_uai = p_uai
      and s.end_reason is distinct from 'revoked' and s.started_at > now() - interval '180 days'
    order by s.id desc limit 1);
end $$;

-- The same for the person known by an address.
create function auth_gateway.known_browser_of(p_digest bytea, p_sessions jsonb) returns uuid
language plpgsql stable as $$
begin
  return (
    select auth_gateway.known_browser(i.canonical_uai, p_sessions)
    from auth_gateway.credentials c join auth_gateway.identities i on i.uai = c.uai
    where c.kind in ('email', 'phone') and c.digest = p_digest limit 1);
end $$;

-- What a one-time code is checked by, in one statement, as 070_hot_reads.sql has them: a challenge of an address; the person known by
-- that address, and the session that makes the browser known to them; the client and resources of a direct sign-in; the seconds until
-- the asked limits open; and whether nothing may be sent there.
-- The challenge is the named one. Without a name it is one that is not bound to a browser: the open one that the caller's own network
-- asked for (is_own), or else the newest.
create function auth_gateway.find_otp(
  p_digest bytea, p_credential_kind text, p_challenge uuid, p_client_id text, p_network bytea, p_sessions jsonb, p_limits jsonb
) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_own uuid;
  v_challenge uuid;
begin
  if p_challenge is null then
    select c.id into v_own from auth_gateway.otp_challenges c
    where c.status = 'open' and c.expires_at > now() and c.id = (
      select d.stream_id from auth_gateway.lookup_digests d where d.kind = 'otp_network_address' and d.digest = p_network
      order by d.stream_id desc limit 1);
  end if;
  v_challenge := coalesce(v_own, (
    select d.stream_id from auth_gateway.lookup_digests d
    where d.kind = any (case when p_challenge is null then array['otp_address'] else array['otp_address', 'otp_browser_address'] end)
      and d.digest = p_digest and (p_challenge is null or d.stream_id = p_challenge)
    order by d.stream_id desc limit 1));
  return (
    select json_build_object(
      'challenge_id', v_challenge,
      'is_own', v_own is not null,
      'challenge_key', (select encode(x.wrapped_key, 'base64') from auth_gateway.subject_keys x where x.subject = v_challenge),
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'otp_challenge' and e.stream_id = v_challenge),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'default_resources', (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default),
      'person', case when i.uai is not null then row_to_json(i) end,
      'known_by', case when p_sessions is not null and i.uai is not null then auth_gateway.known_browser(i.uai, p_sessions) end,
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end,
      'suppressed', exists (
        select from auth_gateway.lookup_digests sd join auth_gateway.suppressions su on su.id = sd.stream_id
        where sd.kind = 'suppressed_address' and sd.digest = p_digest and su.lifted_at is null))
    from (select 1) as one
    left join auth_gateway.credentials c on c.kind = p_credential_kind and c.digest = p_digest
    left join auth_gateway.identities own on own.uai = c.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $$;

grant execute on function auth_gateway.known_browser(uuid, jsonb), auth_gateway.known_browser_of(bytea, jsonb),
  auth_gateway.find_otp(bytea, text, uuid, text, bytea, jsonb, jsonb) to auth_gateway_app;
