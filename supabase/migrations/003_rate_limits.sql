-- Counters that are never replayed. A bucket is a keyed digest chosen by the gateway, so the table shows no address.
create table auth_gateway.rate_limits (
  bucket     text primary key,
  count      integer not null,
  expires_at timestamptz not null
);
create index rate_limits_expiry on auth_gateway.rate_limits (expires_at);

-- Counts a hit in each bucket and answers the seconds until the fullest one opens again (0: within every limit).
-- p_limits: [{"bucket": text, "seconds": int, "max": int}]; buckets are locked in one order, so two calls cannot deadlock.
create function auth_gateway.hit_rate_limits(p_limits jsonb) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  l record;
  v_count integer;
  v_expires timestamptz;
  v_wait integer := 0;
begin
  for l in
    select x.bucket, x.seconds, x.max from jsonb_to_recordset(p_limits) as x(bucket text, seconds int, max int) order by 1
  loop
    insert into rate_limits as r (bucket, count, expires_at)
    values (l.bucket, 1, now() + make_interval(secs => l.seconds))
    on conflict (bucket) do update set
      count = case when r.expires_at <= now() then 1 else r.count + 1 end,
      expires_at = case when r.expires_at <= now() then now() + make_interval(secs => l.seconds) else r.expires_at end
    returning r.count, r.expires_at into v_count, v_expires;
    if v_count > l.max then
      v_wait := greatest(v_wait, ceil(extract(epoch from v_expires - now()))::int, 1);
    end if;
  end loop;
  return v_wait;
end $$;

-- The same question without counting, for use inside a hot read: seconds to wait, 0 when every bucket is open.
create function auth_gateway.rate_limit_wait(p_limits jsonb) returns integer
language plpgsql stable as $$
declare
  v_expires timestamptz;
  v_wait integer := 0;
begin
  -- One look-up by key for each: a join would read the whole table as long as it is small, or its statistics say so.
  for i in 0 .. jsonb_array_length(p_limits) - 1 loop
    select r.expires_at into v_expires from auth_gateway.rate_limits r
    where r.bucket = p_limits->i->>'bucket' and r.expires_at > now() and r.count >= (p_limits->i->>'max')::int;
    if found then
      v_wait := greatest(v_wait, ceil(extract(epoch from v_expires - now()))::int);
    end if;
  end loop;
  return v_wait;
end $$;

grant execute on function auth_gateway.hit_rate_limits(jsonb), auth_gateway.rate_limit_wait(jsonb) to auth_gateway_app;
