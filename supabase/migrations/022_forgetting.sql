-- Everything that has its own data key and went to the same addresses as a person: challenges, messages, suppressions.
create function auth_gateway.subjects_of_addresses(p_subject uuid) returns uuid[]
language sql stable set search_path = auth_gateway, pg_temp as $$
  select coalesce(array_agg(distinct other.subject order by other.subject), '{}')
  from lookup_digests own
  join lookup_digests other on other.digest = own.digest and other.subject <> own.subject
    and other.kind in ('otp_address', 'otp_browser_address', 'message_address', 'suppressed_address')
  where own.subject = p_subject
$$;

-- Destroys what makes an erased person readable or findable: their data key, their look-up digests, what is kept of their sessions at
-- other providers, and the same of what IdentityErased names as forgotten with them. Events and their hashes stay as they are, and say why a key is gone. Answers how many keys were
-- destroyed; doing it again finishes what did not come to its end. Raises LA004 for whoever is not erased.
create function auth_gateway.forget_erased(p_subject uuid) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_subjects uuid[];
  v_keys integer;
begin
  select array_append(array(select jsonb_array_elements_text(coalesce(e.data->'forgotten', '[]')))::uuid[], p_subject)
  into v_subjects from event_store e
  where e.stream_type = 'identity' and e.stream_id = p_subject and e.event_type = 'IdentityErased';
  if not found then
    raise exception 'identity % is not erased', p_subject using errcode = 'LA004';
  end if;
  delete from lookup_digests where subject = any (v_subjects);
  delete from event_secrets where name = 'upstream' and stream_id in (select id from sessions where uai = any (v_subjects));
  update api_keys set name_digest = null where created_by = p_subject;
  update projects set name_digest = null where owner_id = p_subject;
  update stored_keys set name_digest = null where created_by = p_subject;
  delete from subject_keys where subject = any (v_subjects);
  get diagnostics v_keys = row_count;
  return v_keys;
end $$;

grant execute on function auth_gateway.subjects_of_addresses(uuid), auth_gateway.forget_erased(uuid) to auth_gateway_app;
select auth_gateway.close_to_public();
