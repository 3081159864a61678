-- One-time codes and their outcome. Found by address through lookup_digests, so that an erasure changes nothing here.
create table auth_gateway.otp_challenges (
  id          uuid primary key,
  channel     text not null,
  country     text,
  status      text not null check (status in ('open', 'consumed', 'locked', 'replaced', 'undelivered')),
  attempts    integer not null default 0,
  reason      text,
  issued_at   timestamptz not null,
  expires_at  timestamptz not null,
  version     integer not null
);
create index otp_challenges_sms on auth_gateway.otp_challenges (country, issued_at) where channel = 'sms';

create function auth_gateway.project_otp_challenge(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'OtpChallengeIssued' then
      insert into otp_challenges (id, channel, country, status, issued_at, expires_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'country', 'open', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'OtpDeliveryFailed' then
      update otp_challenges set status = 'undelivered', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'OtpAttemptFailed' then
      update otp_challenges set attempts = (e.data->>'attempt')::integer, version = e.version where id = e.stream_id;
    when 'OtpChallengeLocked' then
      update otp_challenges set status = 'locked', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'OtpChallengeReplaced' then
      update otp_challenges set status = 'replaced', version = e.version where id = e.stream_id;
    when 'OtpChallengeConsumed' then
      update otp_challenges set status = 'consumed', version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('otp_challenges', 'otp_challenge', 'project_otp_challenge');

-- Returns what a one-time code is checked against: a challenge of an address, the person with that address, the session that makes the
-- browser a known one, the client and resources of a direct sign-in, the seconds until the limits open, and whether the address is
-- suppressed. Without p_challenge it is a challenge that is not bound to a browser: the open one requested from the caller's network
-- (is_own), or else the newest.
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

grant execute on function auth_gateway.find_otp(bytea, text, uuid, text, bytea, jsonb, jsonb) to auth_gateway_app;
