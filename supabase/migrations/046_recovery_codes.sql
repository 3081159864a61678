-- Sets of recovery codes: keyed hashes of those that are left. A person has one set that counts.
create table auth_gateway.recovery_codes (
  id          uuid primary key,
  uai         uuid not null,
  code_hashes text[] not null,
  replaced    boolean not null default false,
  issued_at   timestamptz not null,
  version     integer not null
);
create index recovery_codes_uai on auth_gateway.recovery_codes (uai) where not replaced;

create function auth_gateway.project_recovery_codes(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'RecoveryCodesIssued' then
      insert into recovery_codes (id, uai, code_hashes, issued_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, array(select jsonb_array_elements_text(e.data->'codeHashes')), e.recorded_at, e.version);
    when 'RecoveryCodeUsed' then
      update recovery_codes set code_hashes = array_remove(code_hashes, e.data->>'codeHash'), version = e.version where id = e.stream_id;
    when 'RecoveryCodeRefused' then
      update recovery_codes set version = e.version where id = e.stream_id;
    when 'RecoveryCodesReplaced' then
      update recovery_codes set replaced = true, code_hashes = '{}', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_recovery_codes() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate recovery_codes;
  perform project_recovery_codes(e) from event_store e where e.stream_type = 'recovery_codes' order by e.position;
end $$;
