-- What became of each call of a hook.
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

create function auth_gateway.rebuild_hook_calls() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate hook_calls;
  perform project_hook_call(e) from event_store e where e.stream_type = 'hook_call' order by e.position;
end $$;
