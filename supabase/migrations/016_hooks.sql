-- Hooks that are called at a sign-in. The signing secret is in event_secrets, sealed.
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
    when 'HookSecretReplaced' then
      update hooks set secret_event = e.event_id, version = e.version where id = e.stream_id;
    when 'HookRemoved' then
      delete from hooks where id = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('hooks', 'hook', 'project_hook');

-- Calls of hooks and their outcome.
create table auth_gateway.hook_calls (
  id           uuid primary key,
  hook_id      uuid not null,
  point        text not null,
  outcome      text not null,
  decision     text,
  claims       text[],
  failure      text,
  milliseconds integer not null,
  uai          uuid,
  called_at    timestamptz not null
);
create index hook_calls_hook on auth_gateway.hook_calls (hook_id, called_at desc);

create function auth_gateway.project_hook_call(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'HookCalled' then
      insert into hook_calls (id, hook_id, point, outcome, decision, claims, failure, milliseconds, uai, called_at)
      values (e.stream_id, (e.data->>'hookId')::uuid, e.data->>'point', e.data->>'outcome', e.data->>'decision',
        case when e.data ? 'claims' then array(select jsonb_array_elements_text(e.data->'claims')) end, e.data->>'failure',
        (e.data->>'milliseconds')::integer, e.subject, e.recorded_at);
  end case;
end $$;

insert into auth_gateway.read_models values ('hook_calls', 'hook_call', 'project_hook_call');
