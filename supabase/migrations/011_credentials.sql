-- What proves an identity. A live credential belongs to one identity; the digest comes from beside the event, so a
-- forgotten person has none left, also after a rebuild.
create table auth_gateway.credentials (
  id        uuid primary key,
  uai       uuid not null,
  kind      text not null,
  provider  text,
  digest    bytea,
  address   text,
  verified  boolean not null,
  evidence  jsonb not null,
  linked_at timestamptz not null
);
create unique index credentials_digest on auth_gateway.credentials (kind, digest);
create index credentials_uai on auth_gateway.credentials (uai);

create function auth_gateway.project_credential(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'CredentialLinked' then
      insert into credentials (id, uai, kind, provider, digest, address, verified, evidence, linked_at)
      values ((e.data->>'credentialId')::uuid, e.stream_id, e.data->>'kind', e.data->>'provider',
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = e.data->>'kind'),
        e.data->'sealed'->>'address', (e.data->>'verified')::boolean, e.data->'evidence', e.recorded_at);
    when 'CredentialUnlinked' then
      delete from credentials where id = (e.data->>'credentialId')::uuid;
    when 'IdentityErased' then
      delete from credentials where uai = e.stream_id;
    when 'IdentityCreated', 'IdentitySuspended', 'IdentityReinstated', 'IdentityMerged', 'IdentityAbsorbed', 'IdentitySplit',
      'IdentityReleased', 'IdentityChanged' then
      null;
  end case;
end $$;

create function auth_gateway.rebuild_credentials() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate credentials;
  perform project_credential(e) from event_store e where e.stream_type = 'identity' order by e.position;
end $$;
