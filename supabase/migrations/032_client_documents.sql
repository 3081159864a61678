-- Until when the metadata document of a client is taken as read (Client ID Metadata Documents). No event: what a document says is
-- one, whenever it changes.
create table auth_gateway.client_documents (
  client_id   uuid primary key,
  fetched_at  timestamptz not null,
  fresh_until timestamptz not null
);

create function auth_gateway.note_client_document(p_client_id uuid, p_seconds integer) returns void
language sql security definer set search_path = auth_gateway, pg_temp as $$
  insert into client_documents (client_id, fetched_at, fresh_until) values (p_client_id, now(), now() + make_interval(secs => p_seconds))
  on conflict (client_id) do update set fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until
$$;

grant execute on function auth_gateway.note_client_document(uuid, integer) to auth_gateway_app;
