-- Places outside that are asked or told when somebody signs in. A signing secret stands in event_secrets, sealed.
create table auth_gateway.hooks (
  id           uuid primary key,
  settings     jsonb not null,
  secret_event uuid not null,
  added_at     timestamptz not null,
  version      integer not null
);

create function auth_gateway.project_hook(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'HookAdded' then
      insert into hooks (id, settings, secret_event, added_at, version)
      values (e.stream_id, e.data->'settings', e.event_id, e.recorded_at, e.version);
    when 'HookChanged' then
      update hooks set settings = e.data->'settings', version = e.version where id = e.stream_id;
    when 'HookSecretReplaced' then
      update hooks set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'HookRemoved' then
      delete from hooks where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_hooks() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate hooks;
  perform project_hook(e) from event_store e where e.stream_type = 'hook' order by e.position;
end $$;
