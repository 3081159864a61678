-- Who could do what at a time: the events up to then are replayed into a schema of their own by copies of the projectors, which is read
-- and dropped again. No live table is touched. Raises LA005 for a time of which streams were archived. p_people: whose streams; null for everybody's. Sessions
-- are seen without an event: one that was last seen too long before that time had ended, of one that was seen later no more is known.
create function auth_gateway.state_at(p_at timestamptz, p_people uuid[]) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ -- so that definitions name every schema
declare
  v_schema text := 'auth_gateway_at_' || replace(gen_random_uuid()::text, '-', '');
  v_models text[] := array['identities', 'sessions', 'token_families', 'api_keys', 'agent_delegations', 'consents', 'api_clients'];
  v_model text;
  v_definition text;
  v_answer jsonb;
begin
  if p_at < (select max(ended_by) from auth_gateway.archives) then
    raise exception 'sessions and tokens of that time are in the archive' using errcode = 'LA005';
  end if;
  execute format('create schema %I', v_schema);
  execute format(
    'create view %I.event_store as select * from auth_gateway.event_store
       where recorded_at <= %L and (%L::uuid[] is null or stream_type = ''api_client'' or subject = any (%L::uuid[]))',
    v_schema, p_at, p_people, p_people);
  execute format('create view %I.lookup_digests as select * from auth_gateway.lookup_digests', v_schema);
  foreach v_model in array v_models loop
    execute format('create table %I.%I (like auth_gateway.%I including all)', v_schema, v_model, v_model);
  end loop;
  for v_definition in
    select pg_get_functiondef(p.oid) from pg_proc p
    where p.pronamespace = 'auth_gateway'::regnamespace and p.proname ~ '^(project_|regroup_|is_other_client$)' and p.prokind = 'f'
      or p.pronamespace = 'auth_gateway'::regnamespace and p.proname = any (select 'rebuild_' || m from unnest(v_models) m)
  loop
    v_definition := replace(v_definition, 'auth_gateway.', v_schema || '.');
    execute replace(v_definition, 'TO ''auth_gateway'', ''pg_temp''', format('TO %L, ''pg_temp''', v_schema));
  end loop;
  foreach v_model in array v_models loop
    execute format('select %I.%I()', v_schema, 'rebuild_' || v_model);
  end loop;
  execute replace($q$
    select coalesce(jsonb_agg(jsonb_build_object(
      'uai', i.uai, 'status', i.status, 'role', i.role, 'organization_id', i.organization_id, 'merged_into', i.merged_into,
      'sessions', (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'method', s.method, 'amr', s.amr, 'acr', s.acr,
          'started_at', s.started_at, 'expires_at', s.expires_at) order by s.started_at), '[]')
        from at.sessions s left join auth_gateway.session_activity a on a.session_id = s.id
        where s.uai = any (i.members) and s.ended_at is null and s.expires_at > $1
          and greatest(s.started_at, a.last_seen_at) + make_interval(secs => s.idle_seconds) > $1
          and not exists (select 1 from at.sessions o where o.id = s.opened_from and o.ended_at is not null)),
      'tokens', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'kind', f.kind, 'client_id', c.client_id,
          'scopes', f.scope, 'resources', f.resources, 'actor', f.actor, 'expires_at', f.expires_at) order by f.started_at), '[]')
        from at.token_families f left join at.api_clients c on c.id = f.client_id
        left join at.sessions s on s.id = f.session_id
        left join auth_gateway.session_activity a on a.session_id = s.id
        where f.uai = any (i.members) and f.revoked_at is null and f.expires_at > $1
          and (f.refresh_expires_at is null or f.refresh_expires_at > $1)
          and (f.session_id is null or f.offline or s.ended_at is null and s.expires_at > $1
            and greatest(s.started_at, a.last_seen_at) + make_interval(secs => s.idle_seconds) > $1)
          and not exists (select 1 from at.token_families a where a.id = any (f.ancestors) and a.revoked_at is not null)),
      'keys', (select coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'preview', k.preview, 'scopes', k.scopes,
          'owner', k.owner_type, 'expires_at', k.expires_at) order by k.created_at), '[]')
        from at.api_keys k where k.created_by = any (i.members) and k.status = 'active' and (k.expires_at is null or k.expires_at > $1)),
      'agents', (select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'client_id', c.client_id, 'scopes', d.scopes,
          'resources', d.resources, 'expires_at', d.expires_at) order by d.created_at), '[]')
        from at.agent_delegations d left join at.api_clients c on c.id = d.client_id
        where d.uai = any (i.members) and d.ended_at is null and d.expires_at > $1),
      'consents', (select coalesce(jsonb_agg(jsonb_build_object('client_id', c.client_id, 'scopes', n.scopes,
          'resources', n.resources, 'granted_at', n.granted_at) order by n.granted_at), '[]')
        from at.consents n left join at.api_clients c on c.id = n.client_id
        where n.uai = any (i.members) and n.withdrawn_at is null)
    ) order by i.uai), '[]') from at.identities i$q$, ' at.', ' ' || v_schema || '.')
  into v_answer using p_at;
  execute format('drop schema %I cascade', v_schema);
  return v_answer;
end $$;

grant execute on function auth_gateway.state_at(timestamptz, uuid[]) to auth_gateway_app;
