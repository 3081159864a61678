-- SHA-256 (lower-case hex) of the secrets that open a key: the current one, and after a rotation with overlap its predecessor.
-- An imported hash keeps its row, so it cannot be given to two keys.
create table auth_gateway.api_key_secrets (
  hash       text primary key,
  key_id     uuid not null,
  expires_at timestamptz
);
create index api_key_secrets_key on auth_gateway.api_key_secrets (key_id);

create function auth_gateway.project_api_key_secret(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ApiKeyCreated' then
      insert into api_key_secrets (hash, key_id) values (e.data->>'secretHash', e.stream_id);
    when 'ApiKeyRotated' then
      if e.data ? 'previousExpiresAt' then
        delete from api_key_secrets where key_id = e.stream_id and expires_at is not null;
        update api_key_secrets set expires_at = (e.data->>'previousExpiresAt')::timestamptz where key_id = e.stream_id;
      else
        delete from api_key_secrets where key_id = e.stream_id;
      end if;
      insert into api_key_secrets (hash, key_id) values (e.data->>'secretHash', e.stream_id);
    when 'ApiKeyDeleted' then
      delete from api_key_secrets where key_id = e.stream_id;
    when 'ApiKeyUpdated', 'ApiKeyNarrowed', 'ApiKeyChildCreated', 'ApiKeyRevoked', 'ApiKeyQuarantined', 'ApiKeyLeakReported',
      'ApiKeyExpiryWarned', 'ApiKeyOwnerNotified' then
      null;
  end case;
end $$;

create function auth_gateway.rebuild_api_key_secrets() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate api_key_secrets;
  perform project_api_key_secret(e) from event_store e where e.stream_type = 'api_key' order by e.position;
end $$;
