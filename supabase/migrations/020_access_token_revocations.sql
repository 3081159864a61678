-- Access tokens taken back one by one; a family's revocation needs no row here.
create table auth_gateway.access_token_revocations (
  jti        text primary key,
  family_id  uuid not null,
  expires_at timestamptz not null
);

create function auth_gateway.project_access_token_revocation(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'AccessTokenRevoked' then
      insert into access_token_revocations (jti, family_id, expires_at)
      values (e.data->>'jti', e.stream_id, (e.data->>'expiresAt')::timestamptz);
    when 'TokenFamilyStarted', 'RefreshTokenRotated', 'RefreshTokenReplayed', 'TokenFamilyRevoked' then
      null;
  end case;
end $$;

create function auth_gateway.rebuild_access_token_revocations() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate access_token_revocations;
  perform project_access_token_revocation(e) from event_store e where e.stream_type = 'token_family' order by e.position;
end $$;
