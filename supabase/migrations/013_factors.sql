-- Authenticator apps (RFC 6238). The secret is sealed in event_secrets and is deleted once the authenticator is removed.
create table auth_gateway.totp_authenticators (
  id           uuid primary key,
  uai          uuid not null,
  last_step    bigint not null,
  -- Wrong codes since the last right one, by purpose.
  failures     jsonb not null default '{"sign_in": 0, "known_browser": 0, "step_up": 0}',
  -- Event of the secret; null once it is removed.
  secret_event uuid,
  enrolled_at  timestamptz not null,
  last_used_at timestamptz not null,
  version      integer not null
);
create index totp_authenticators_uai on auth_gateway.totp_authenticators (uai) where secret_event is not null;
create index totp_authenticators_secret on auth_gateway.totp_authenticators (secret_event);

create function auth_gateway.project_totp_authenticator(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'TotpEnrolled' then
      insert into totp_authenticators (id, uai, last_step, secret_event, enrolled_at, last_used_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, (e.data->>'step')::bigint, e.event_id, e.recorded_at, e.recorded_at, e.version);
    when 'TotpCodeAccepted' then
      update totp_authenticators set last_step = (e.data->>'step')::bigint, failures = default, last_used_at = e.recorded_at,
        version = e.version
      where id = e.stream_id;
    when 'TotpCodeRefused' then
      update totp_authenticators set failures = failures || jsonb_build_object(e.data->>'purpose', e.data->'failures'),
        version = e.version where id = e.stream_id;
    when 'TotpRemoved' then
      update totp_authenticators set secret_event = null, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('totp_authenticators', 'totp_authenticator', 'project_totp_authenticator');

create index event_secrets_authenticators on auth_gateway.event_secrets (event_id) where name = 'totp_secret';

-- Passkeys (WebAuthn Level 3). The public key, the credential id and the name are sealed under the data key of the person; the credential is
-- found by its keyed digest. A removed passkey keeps neither.
create table auth_gateway.passkeys (
  id              uuid primary key,
  uai             uuid not null,
  -- Null once the passkey is removed or the person is erased.
  digest          bytea unique,
  rp_id           text not null,
  aaguid          uuid not null,
  transports      text[] not null,
  backup_eligible boolean not null,
  backed_up       boolean not null,
  sign_count      bigint not null,
  -- name, credentialId, publicKey; null once the passkey is removed.
  sealed          jsonb,
  registered_at   timestamptz not null,
  last_used_at    timestamptz,
  -- When a sign count showed that the authenticator may have been cloned.
  regressed_at    timestamptz,
  version         integer not null
);
create index passkeys_uai on auth_gateway.passkeys (uai) where sealed is not null;

create function auth_gateway.project_passkey(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'PasskeyRegistered' then
      insert into passkeys (id, uai, digest, rp_id, aaguid, transports, backup_eligible, backed_up, sign_count, sealed, registered_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid,
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = 'passkey'),
        e.data->>'rpId', (e.data->>'aaguid')::uuid, array(select jsonb_array_elements_text(e.data->'transports')),
        (e.data->>'backupEligible')::boolean, (e.data->>'backedUp')::boolean, (e.data->>'signCount')::bigint,
        coalesce(e.data->'sealed', '{}'), e.recorded_at, e.version);
    when 'PasskeyUsed' then
      update passkeys set sign_count = (e.data->>'signCount')::bigint, backed_up = (e.data->>'backedUp')::boolean,
        last_used_at = e.recorded_at, version = e.version
      where id = e.stream_id;
    when 'PasskeyCounterRegressed' then
      update passkeys set regressed_at = e.recorded_at, version = e.version where id = e.stream_id;
    when 'PasskeyRenamed' then
      update passkeys set sealed = sealed || coalesce(e.data->'sealed', '{}'), version = e.version where id = e.stream_id;
    when 'PasskeyRemoved' then
      update passkeys set digest = null, sealed = null, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('passkeys', 'passkey', 'project_passkey');

-- Sets of recovery codes: keyed hashes of the unused ones. A person has one active set.
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

insert into auth_gateway.read_models values ('recovery_codes', 'recovery_codes', 'project_recovery_codes');

-- One-time codes that operators issued for a person, and their outcome.
create table auth_gateway.operator_codes (
  id              uuid primary key,
  uai             uuid not null,
  status          text not null check (status in ('waiting', 'ready', 'used', 'revoked', 'locked')),
  operator        uuid not null,
  second_operator uuid,
  -- Of the person when the code was issued; it is void once that has changed.
  standing        integer not null,
  -- Sealed under the data key of the person.
  reason          text,
  part_hashes     text[] not null,
  attempts        integer not null default 0,
  requested_at    timestamptz not null,
  expires_at      timestamptz not null,
  version         integer not null
);
create index operator_codes_uai on auth_gateway.operator_codes (uai, requested_at desc);
create index operator_codes_open on auth_gateway.operator_codes (expires_at) where status in ('waiting', 'ready');

create function auth_gateway.project_operator_code(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'OperatorCodeRequested' then
      insert into operator_codes (id, uai, status, operator, standing, reason, part_hashes, requested_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, case when (e.data->>'needsSecond')::boolean then 'waiting' else 'ready' end,
        (e.data->>'operator')::uuid, (e.data->>'standing')::integer, e.data->'sealed'->>'reason',
        array[e.data->>'partHash'], e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'OperatorCodeApproved' then
      update operator_codes set status = 'ready', second_operator = (e.data->>'operator')::uuid,
        part_hashes = part_hashes || (e.data->>'partHash'), expires_at = (e.data->>'expiresAt')::timestamptz, version = e.version
      where id = e.stream_id;
    when 'OperatorCodeRevoked' then
      update operator_codes set status = 'revoked', version = e.version where id = e.stream_id;
    when 'OperatorCodeRefused' then
      update operator_codes set attempts = (e.data->>'attempt')::integer, version = e.version,
        status = case when (e.data->>'attempt')::integer >= 10000 then 'locked' else status end
      where id = e.stream_id;
    when 'OperatorCodeUsed' then
      update operator_codes set status = 'used', version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('operator_codes', 'operator_code', 'project_operator_code');

-- Sign-ins whose first factor is proven and that wait for the second one.
create table auth_gateway.pending_sign_ins (
  id          uuid primary key,
  uai         uuid not null,
  method      text not null,
  completed   boolean not null default false,
  required_at timestamptz not null,
  expires_at  timestamptz not null,
  version     integer not null
);

create function auth_gateway.project_pending_sign_in(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'SecondFactorRequired' then
      insert into pending_sign_ins (id, uai, method, required_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, e.data->>'method', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'SecondFactorPresented' then
      update pending_sign_ins set completed = true, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('pending_sign_ins', 'pending_sign_in', 'project_pending_sign_in');

-- Browsers in which a person is not asked for the second factor.
create table auth_gateway.remembered_devices (
  id            uuid primary key,
  uai           uuid not null,
  key_hash      text not null,
  -- Sealed under the data key of the person.
  user_agent    text,
  forgotten     boolean not null default false,
  remembered_at timestamptz not null,
  expires_at    timestamptz not null,
  version       integer not null
);
create index remembered_devices_uai on auth_gateway.remembered_devices (uai) where not forgotten;

create function auth_gateway.project_remembered_device(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'DeviceRemembered' then
      insert into remembered_devices (id, uai, key_hash, user_agent, remembered_at, expires_at, version)
      values (e.stream_id, (e.data->>'uai')::uuid, e.data->>'keyHash', e.data->'sealed'->>'userAgent', e.recorded_at,
        (e.data->>'expiresAt')::timestamptz, e.version);
    when 'DeviceForgotten' then
      update remembered_devices set forgotten = true, version = e.version where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('remembered_devices', 'remembered_device', 'project_remembered_device');
