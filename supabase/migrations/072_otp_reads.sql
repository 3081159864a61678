-- What a one-time code is checked by, in one statement, as 070_hot_reads.sql has them: the newest challenge of an address that is not
-- bound to a browser, or the named one; the person known by that address; the client and resources of a direct sign-in; the seconds
-- until the asked limits open; and whether nothing may be sent there.
create function auth_gateway.find_otp(
  p_digest bytea, p_credential_kind text, p_challenge uuid, p_client_id text, p_limits jsonb
) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_challenge uuid := (
    select d.stream_id from auth_gateway.lookup_digests d
    where d.kind = any (case when p_challenge is null then array['otp_address'] else array['otp_address', 'otp_browser_address'] end)
      and d.digest = p_digest and (p_challenge is null or d.stream_id = p_challenge)
    order by d.stream_id desc limit 1);
begin
  return (
    select json_build_object(
      'challenge_id', v_challenge,
      'challenge_key', (select encode(x.wrapped_key, 'base64') from auth_gateway.subject_keys x where x.subject = v_challenge),
      'events', (select coalesce(json_agg(auth_gateway.event_json(e) order by e.version), '[]')
        from auth_gateway.event_store e where e.stream_type = 'otp_challenge' and e.stream_id = v_challenge),
      'client', case when p_client_id is not null then auth_gateway.client_json(p_client_id) end,
      'default_resources', (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default),
      'person', case when i.uai is not null then row_to_json(i) end,
      'wait', case when p_limits is null then 0 else auth_gateway.rate_limit_wait(p_limits) end,
      'suppressed', exists (
        select from auth_gateway.lookup_digests sd join auth_gateway.suppressions su on su.id = sd.stream_id
        where sd.kind = 'suppressed_address' and sd.digest = p_digest and su.lifted_at is null))
    from (select 1) as one
    left join auth_gateway.credentials c on c.kind = p_credential_kind and c.digest = p_digest
    left join auth_gateway.identities own on own.uai = c.uai
    left join auth_gateway.person_facts i on i.uai = own.canonical_uai);
end $$;

grant execute on function auth_gateway.find_otp(bytea, text, uuid, text, jsonb) to auth_gateway_app;
