-- Sign-ins in progress in a browser, and answers to forms that it has just sent. Both the key, a keyed digest, and the sealed state need
-- the browser's secret: without it a row is unreadable. No events; every row expires.
create table auth_gateway.form_states (
  key        bytea primary key,
  -- Null while the first of several equal submissions is being answered.
  sealed     bytea,
  expires_at timestamptz not null
);
create index form_states_expiry on auth_gateway.form_states (expires_at);

-- Deletes expired rows. Each write deletes a few, which keeps the table small.
create function auth_gateway.sweep_form_states(p_batch integer) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_swept integer;
begin
  delete from form_states where key in
    (select key from form_states where expires_at <= now() order by expires_at limit p_batch for update skip locked);
  get diagnostics v_swept = row_count;
  return v_swept;
end $$;

-- Claims a key. `first` is true for one caller, which then answers; later callers get the answer, null until it is stored.
create function auth_gateway.claim_form_state(
  p_key bytea, p_now timestamptz, p_expires_at timestamptz, out first boolean, out sealed bytea
)
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  perform sweep_form_states(4);
  insert into form_states as f (key, expires_at) values (p_key, p_expires_at)
  on conflict (key) do update set sealed = null, expires_at = excluded.expires_at where f.expires_at <= p_now;
  first := found;
  if not first then
    select f.sealed into claim_form_state.sealed from form_states f where f.key = p_key;
  end if;
end $$;

create function auth_gateway.keep_form_state(p_key bytea, p_sealed bytea, p_expires_at timestamptz) returns void
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
begin
  perform sweep_form_states(4);
  insert into form_states (key, sealed, expires_at) values (p_key, p_sealed, p_expires_at)
  on conflict (key) do update set sealed = excluded.sealed, expires_at = excluded.expires_at;
end $$;

create function auth_gateway.forget_form_state(p_key bytea) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  delete from form_states where key = p_key
$$;

grant execute on function auth_gateway.claim_form_state, auth_gateway.keep_form_state, auth_gateway.forget_form_state to auth_gateway_app;
