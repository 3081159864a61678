-- For local databases only (`npm run dev`, `supabase db reset`). OAuth clients and resource servers are not here: they are
-- events, appended by a migration, and the same everywhere.

-- The scheduled job that makes partitions ahead of time does not run locally.
select auth_gateway.ensure_event_partitions(now(), 12);
