-- Destroys what makes a person readable or findable: their data key, their look-up digests, and those of every challenge
-- and message that went to the same addresses. Events and their hashes stay as they are. Answers how many keys were destroyed.
create function auth_gateway.forget_subject(p_subject uuid) returns integer
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_subjects uuid[];
  v_keys integer;
begin
  select array_agg(distinct other.subject) into v_subjects
  from lookup_digests own
  join lookup_digests other on other.digest = own.digest and other.kind in ('otp_address', 'otp_browser_address', 'message_address', 'suppressed_address')
  where own.subject = p_subject;
  v_subjects := coalesce(v_subjects, '{}') || p_subject;
  delete from lookup_digests where subject = any (v_subjects);
  update api_keys set name_digest = null where created_by = p_subject;
  update projects set name_digest = null where owner_id = p_subject;
  update stored_keys set name_digest = null where created_by = p_subject;
  delete from subject_keys where subject = any (v_subjects);
  get diagnostics v_keys = row_count;
  return v_keys;
end $$;
