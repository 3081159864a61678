-- Resource servers that a token can be made for (RFC 8707). One is the default when a client names none.
create table auth_gateway.protected_resources (
  id         uuid primary key,
  identifier text not null unique,
  name       text not null,
  scopes     text[] not null,
  is_default boolean not null,
  version    integer not null
);

create function auth_gateway.project_protected_resource(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'ProtectedResourceRegistered' then
      insert into protected_resources (id, identifier, name, scopes, is_default, version)
      values (e.stream_id, e.data->>'identifier', e.data->>'name', array(select jsonb_array_elements_text(e.data->'scopes')),
        (e.data->>'isDefault')::boolean, e.version);
    when 'ProtectedResourceChanged' then
      update protected_resources set name = e.data->>'name', scopes = array(select jsonb_array_elements_text(e.data->'scopes')),
        version = e.version where id = e.stream_id;
    when 'ProtectedResourceRemoved' then
      delete from protected_resources where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_protected_resources() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate protected_resources;
  perform project_protected_resource(e) from event_store e where e.stream_type = 'protected_resource' order by e.position;
end $$;
