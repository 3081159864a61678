-- How far the log is settled: no event at or below this position is still to come. Positions are drawn before their transactions end,
-- so who follows the log (checkpoints, outgoing webhooks) reads no further than here and steps over nothing.
create table auth_gateway.log_horizon (
  one            boolean primary key default true check (one),
  position       bigint not null,
  -- What was drawn when it was last looked at, and the transaction that looked.
  seen_position  bigint not null,
  transaction_id xid8 not null
);
insert into auth_gateway.log_horizon values (true, 0, 0, pg_current_xact_id());

-- Moves the horizon on and answers it, and the newest position that was drawn. A position that was drawn when a transaction looked belongs to an older transaction; once every
-- one older than that has ended, all such events are there. So two calls one after the other settle what was there before the first.
create function auth_gateway.settle_log(out settled bigint, out drawn bigint)
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v log_horizon;
begin
  drawn := (select last_value from event_position);
  select * into v from log_horizon for update;
  if v.transaction_id < pg_snapshot_xmin(pg_current_snapshot()) then
    v.position := v.seen_position;
    v.seen_position := drawn;
    v.transaction_id := pg_current_xact_id();
  elsif v.transaction_id > pg_current_xact_id() then
    -- The database was restored elsewhere and counts transactions anew.
    v.seen_position := drawn;
    v.transaction_id := pg_current_xact_id();
  end if;
  update log_horizon set position = v.position, seen_position = v.seen_position, transaction_id = v.transaction_id
  where transaction_id <> v.transaction_id;
  settled := v.position;
end $$;

grant execute on function auth_gateway.settle_log() to auth_gateway_app;
select auth_gateway.close_to_public();
