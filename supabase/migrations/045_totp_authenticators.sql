-- Authenticator apps (RFC 6238) that people have enrolled. The secret stands sealed in event_secrets, beside the event that brought it,
-- and is destroyed once the authenticator is removed.
create table auth_gateway.totp_authenticators (
  id           uuid primary key,
  uai          uuid not null,
  last_step    bigint not null,
  -- Wrong codes since the last right one, by what they were tried for.
  failures     jsonb not null default '{"sign_in": 0, "known_browser": 0, "step_up": 0}',
  -- Where the secret stands; none once it is removed.
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

create function auth_gateway.rebuild_totp_authenticators() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate totp_authenticators;
  perform project_totp_authenticator(e) from event_store e where e.stream_type = 'totp_authenticator' order by e.position;
end $$;

-- Secrets of authenticators that were removed are destroyed; no code can be made from what is left. Answers how many.
create function auth_gateway.destroy_removed_authenticators(p_batch integer) returns integer
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_count integer;
begin
  delete from event_secrets where (event_id, name) in (
    select s.event_id, s.name from event_secrets s
    where s.name = 'totp_secret' and not exists (select 1 from totp_authenticators a where a.secret_event = s.event_id)
    limit p_batch for update skip locked);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
create index event_secrets_authenticators on auth_gateway.event_secrets (event_id) where name = 'totp_secret';
