-- One-time codes and what became of them. Found by address through lookup_digests, so forgetting a person needs no change here.
create table auth_gateway.otp_challenges (
  id          uuid primary key,
  channel     text not null,
  country     text,
  status      text not null check (status in ('open', 'consumed', 'locked', 'replaced', 'undelivered')),
  attempts    integer not null default 0,
  reason      text,
  issued_at   timestamptz not null,
  expires_at  timestamptz not null,
  version     integer not null
);
create index otp_challenges_sms on auth_gateway.otp_challenges (country, issued_at) where channel = 'sms';

create function auth_gateway.project_otp_challenge(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'OtpChallengeIssued' then
      insert into otp_challenges (id, channel, country, status, issued_at, expires_at, version)
      values (e.stream_id, e.data->>'channel', e.data->>'country', 'open', e.recorded_at, (e.data->>'expiresAt')::timestamptz, e.version);
    when 'OtpDeliveryFailed' then
      update otp_challenges set status = 'undelivered', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'OtpAttemptFailed' then
      update otp_challenges set attempts = (e.data->>'attempt')::integer, version = e.version where id = e.stream_id;
    when 'OtpChallengeLocked' then
      update otp_challenges set status = 'locked', reason = e.data->>'reason', version = e.version where id = e.stream_id;
    when 'OtpChallengeReplaced' then
      update otp_challenges set status = 'replaced', version = e.version where id = e.stream_id;
    when 'OtpChallengeConsumed' then
      update otp_challenges set status = 'consumed', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_otp_challenges() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate otp_challenges;
  perform project_otp_challenge(e) from event_store e where e.stream_type = 'otp_challenge' order by e.position;
end $$;
