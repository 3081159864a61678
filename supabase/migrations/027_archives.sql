-- Months of short-lived streams that were moved from the event store into a file.
create table auth_gateway.archives (
  id               uuid primary key,
  month            date not null unique,
  events           integer not null,
  streams          integer not null,
  -- When everything in it had ended: the store alone does not show what could be done before.
  ended_by         timestamptz not null,
  file             text not null,
  sha256           text not null,
  positions_sha256 text not null,
  archived_at      timestamptz not null,
  version          integer not null
);

create function auth_gateway.project_archive(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'EventsArchived' then
      insert into archives (id, month, events, streams, ended_by, file, sha256, positions_sha256, archived_at, version)
      values (e.stream_id, (e.data->>'month' || '-01')::date, (e.data->>'events')::integer, (e.data->>'streams')::integer,
        (e.data->>'endedBy')::timestamptz, e.data->>'file', e.data->>'sha256', e.data->>'positionsSha256', e.recorded_at, e.version);
  end case;
end $$;

insert into auth_gateway.read_models values ('archives', 'archive', 'project_archive');

-- Leaves of the audit tree that are archived events: a bit for each leaf of a tile. EventsArchived commits to it by the SHA-256 of the
-- positions, ascending, a LF after each.
create table auth_gateway.archived_leaves (
  tile       bigint not null,
  archive_id uuid not null,
  bits       bit(256) not null,
  primary key (tile, archive_id)
);

-- Offset 0 evaluates one tile at a time, so that a limit stops early: the planner cannot know what is in a tile.
create view auth_gateway.archived_events with (security_invoker) as
select a.archive_id, a.tile, e.position, e.leaf
from auth_gateway.archived_leaves a cross join lateral (
  select p.position, substring(t.hashes from (p.n::integer - 1) * 32 + 1 for 32) as leaf
  from auth_gateway.audit_tiles t cross join lateral unnest(t.positions) with ordinality as p(position, n)
  where t.level = 0 and t.index = a.tile and get_bit(a.bits, p.n::integer - 1) = 1 offset 0) e;

grant select on auth_gateway.archived_events to auth_gateway_app;

-- When clients and agent delegations last got tokens that are archived.
create table auth_gateway.archived_uses (
  id           uuid primary key,
  last_used_at timestamptz not null
);

-- Deletes what belongs to the streams of a month, and records which events they had; the caller detaches the partition in the same
-- transaction. Data keys of the streams themselves are deleted, since they could not be erased later. Data sealed for a person stays
-- readable until they are erased. For the owner only.
create function auth_gateway.delete_archived_month(p_archive uuid, p_month date) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_from uuid := uuid_v7_floor(p_month::timestamp at time zone 'UTC');
  v_until uuid := uuid_v7_floor((p_month + interval '1 month') at time zone 'UTC');
begin
  execute format('create temporary table archived on commit drop as
    select position, event_id, stream_type, stream_id, version from %I', 'event_store_' || to_char(p_month, 'YYYY_MM'));
  insert into archived_leaves (archive_id, tile, bits)
  select p_archive, t.index, bit_or(set_bit(repeat('0', 256)::bit(256), p.n::integer - 1, 1))
  from audit_tiles t cross join lateral unnest(t.positions) with ordinality as p(position, n)
  join archived using (position)
  where t.level = 0 group by t.index;

  delete from event_secrets s using archived o where s.event_id = o.event_id;
  delete from lookup_digests d using archived o where d.event_id = o.event_id;
  delete from subject_keys k using archived o where o.version = 1 and k.subject = o.stream_id;
  delete from webhook_deliveries d using archived o where d.position = o.position;
  delete from stream_heads h using archived o
  where o.version = 1 and h.stream_type = o.stream_type and h.stream_id = o.stream_id;

  insert into archived_uses as u (id, last_used_at)
  select x.id, max(f.started_at) from token_families f cross join lateral unnest(array[f.client_id, f.agent_delegation_id]) as x(id)
  where f.id >= v_from and f.id < v_until and x.id is not null group by x.id
  on conflict (id) do update set last_used_at = greatest(u.last_used_at, excluded.last_used_at);

  delete from session_activity where session_id >= v_from and session_id < v_until;
  delete from sessions where id >= v_from and id < v_until;
  delete from otp_challenges where id >= v_from and id < v_until;
  delete from pending_sign_ins where id >= v_from and id < v_until;
  delete from authorizations where id >= v_from and id < v_until;
  delete from access_token_revocations where family_id >= v_from and family_id < v_until;
  delete from token_families where id >= v_from and id < v_until;
  delete from refused_requests where id >= v_from and id < v_until;
  delete from device_authorizations where id >= v_from and id < v_until;
  delete from hook_calls where id >= v_from and id < v_until;
  delete from messages where id >= v_from and id < v_until;
end $$;
