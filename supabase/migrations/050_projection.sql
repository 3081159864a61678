-- Each event is projected in the transaction that appends it. One trigger for all: PostgreSQL reads the condition of every trigger of a
-- table, and of the partition that the row goes to, anew for each insert, which cost more than to project it.
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
    when 'record_read' then perform project_record_read(new);
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
  end case; -- no else: a stream that nobody projects must fail the append, not vanish
  return null;
end $$;

create trigger project_event after insert on auth_gateway.event_store
  for each row execute function auth_gateway.project_event();
