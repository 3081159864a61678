-- Counters, not events. A bucket is named by a keyed digest, so the table shows no address.
create table auth_gateway.rate_limits (
  bucket     text primary key,
  count      integer not null,
  expires_at timestamptz not null,
  -- Times of the hits of an exact limit, oldest first.
  hits       timestamptz[]
);
create index rate_limits_expiry on auth_gateway.rate_limits (expires_at);

-- Returns the hits after a time, oldest first.
create function auth_gateway.recent_hits(p_hits timestamptz[], p_since timestamptz) returns timestamptz[]
language sql immutable
return array(select h from unnest(p_hits) h where h > p_since order by h);

-- Counts a hit in each bucket and returns the seconds until all are open again (0: within every limit).
--   p_limits [{"bucket": text, "seconds": int, "max": int, "exact": bool, "reset": bool}]
-- Buckets are locked in order, so two calls cannot deadlock. A window starts with its first hit; the window of an exact limit slides, so no
-- span of that length has more than max hits. With reset, the bucket is emptied instead.
create function auth_gateway.hit_rate_limits(p_limits jsonb) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  l record;
  v_count integer;
  v_expires timestamptz;
  v_hits timestamptz[];
  v_wait integer := 0;
begin
  for l in
    select x.bucket, x.max, make_interval(secs => x.seconds) as length, x.exact, x.reset
    from jsonb_to_recordset(p_limits) as x(bucket text, seconds int, max int, exact boolean, reset boolean) order by 1
  loop
    if l.reset then
      delete from rate_limits where bucket = l.bucket;
      continue;
    end if;
    insert into rate_limits as r (bucket, count, expires_at, hits)
    values (l.bucket, 1, now() + l.length, case when l.exact then array[now()] end)
    on conflict (bucket) do update set
      count = case when r.expires_at <= now() then 1 when l.exact then cardinality(recent_hits(r.hits, now() - l.length)) + 1
        else r.count + 1 end,
      expires_at = case when l.exact or r.expires_at <= now() then now() + l.length else r.expires_at end,
      hits = case when l.exact is not true then null when r.expires_at <= now() then array[now()]
        else recent_hits(r.hits, now() - l.length) || now() end
    returning r.count, r.expires_at, r.hits into v_count, v_expires, v_hits;
    if v_count > l.max then
      v_expires := case when l.exact then v_hits[v_count - l.max] + l.length else v_expires end;
      v_wait := greatest(v_wait, ceil(extract(epoch from v_expires - now()))::int, 1);
    end if;
  end loop;
  return v_wait;
end $$;

-- Counts as hit_rate_limits does, but counts nothing when a limit is full.
create function auth_gateway.take_rate_limits(p_limits jsonb) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_wait integer;
begin
  v_wait := hit_rate_limits(p_limits);
  if v_wait > 0 then
    raise exception 'rate limit reached' using errcode = 'LA003';
  end if;
  return 0;
exception when sqlstate 'LA003' then
  return v_wait;
end $$;

-- Returns the seconds until all limits are open, without counting.
create function auth_gateway.rate_limit_wait(p_limits jsonb) returns integer
language plpgsql stable as $$
declare
  r auth_gateway.rate_limits;
  v_hits timestamptz[];
  v_length interval;
  v_max integer;
  v_wait integer := 0;
begin
  -- One look-up by key for each: for a join, the planner may read the whole table.
  for i in 0 .. jsonb_array_length(p_limits) - 1 loop
    v_max := (p_limits->i->>'max')::int;
    select x.* into r from auth_gateway.rate_limits x
    where x.bucket = p_limits->i->>'bucket' and x.expires_at > now() and x.count >= v_max;
    continue when not found;
    if r.hits is null then
      v_wait := greatest(v_wait, ceil(extract(epoch from r.expires_at - now()))::int);
    else
      v_length := make_interval(secs => (p_limits->i->>'seconds')::int);
      v_hits := auth_gateway.recent_hits(r.hits, now() - v_length);
      if cardinality(v_hits) >= v_max then
        v_wait := greatest(v_wait, ceil(extract(epoch from v_hits[cardinality(v_hits) - v_max + 1] + v_length - now()))::int, 1);
      end if;
    end if;
  end loop;
  return v_wait;
end $$;

grant execute on function auth_gateway.take_rate_limits, auth_gateway.rate_limit_wait, auth_gateway.recent_hits to auth_gateway_app;
