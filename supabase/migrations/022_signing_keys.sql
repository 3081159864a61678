-- Public halves of the signing keys; the private halves are sealed in event_secrets under the master secret.
create table auth_gateway.signing_keys (
  id          uuid primary key,
  kid         text not null unique,
  alg         text not null,
  public_jwk  jsonb not null,
  -- The Supabase project whose tokens it signs, and nothing else; null for the keys of the gateway.
  resource_id uuid,
  created_by  uuid not null,
  active_from timestamptz not null,
  expires_at  timestamptz,
  version     integer not null
);

create function auth_gateway.project_signing_key(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'SigningKeyCreated' then
      insert into signing_keys (id, kid, alg, public_jwk, resource_id, created_by, active_from, version)
      values (e.stream_id, e.data->>'kid', e.data->>'alg', e.data->'publicJwk', (e.data->>'resourceId')::uuid, e.event_id,
        (e.data->>'activeFrom')::timestamptz, e.version);
    when 'SigningKeyRetired' then
      update signing_keys set expires_at = (e.data->>'expiresAt')::timestamptz, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('signing_keys', 'signing_key', 'project_signing_key');
