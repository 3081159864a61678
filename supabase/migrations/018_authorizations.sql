-- Authorization requests of signed-in people and what became of them. A pushed request has no row before its person is known.
create table auth_gateway.authorizations (
  id           uuid primary key,
  client_id    uuid not null,
  uai          uuid not null,
  session_id   uuid not null,
  status       text not null check (status in ('requested', 'denied', 'code_issued', 'redeemed', 'replayed')),
  redirect_uri text not null,
  scope        text[] not null,
  granted_by   text,
  family_id    uuid,
  -- Of the short form of the code, while a person carries it to a terminal.
  paste_hash   text,
  requested_at timestamptz not null,
  version      integer not null
);
create unique index authorizations_paste_hash on auth_gateway.authorizations (paste_hash) where paste_hash is not null;
create index authorizations_uai on auth_gateway.authorizations (uai, requested_at desc);

create function auth_gateway.project_authorization(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'AuthorizationPushed', 'PushedAuthorizationOpened' then
      null;
    when 'AuthorizationRequested' then
      insert into authorizations (id, client_id, uai, session_id, status, redirect_uri, scope, requested_at, version)
      values (e.stream_id, (e.data->>'clientId')::uuid, (e.data->>'uai')::uuid, (e.data->>'sessionId')::uuid, 'requested',
        e.data->>'redirectUri', array(select jsonb_array_elements_text(e.data->'scope')), e.recorded_at, e.version)
      -- What was pushed is brought again when its page is loaded again, perhaps by another person.
      on conflict (id) do update set uai = excluded.uai, session_id = excluded.session_id, scope = excluded.scope,
        requested_at = excluded.requested_at, version = excluded.version;
    when 'AuthorizationGranted' then
      update authorizations set granted_by = e.data->>'by', scope = array(select jsonb_array_elements_text(e.data->'scope')),
        version = e.version where id = e.stream_id;
    when 'AuthorizationDenied' then
      update authorizations set status = 'denied', version = e.version where id = e.stream_id;
    when 'AuthorizationCodeIssued' then
      update authorizations set status = 'code_issued', version = e.version where id = e.stream_id;
    when 'AuthorizationCodeShown' then
      update authorizations set paste_hash = e.data->>'pasteHash', version = e.version where id = e.stream_id;
    when 'AuthorizationCodeRedeemed' then
      update authorizations set status = 'redeemed', family_id = (e.data->>'familyId')::uuid, version = e.version
      where id = e.stream_id;
    when 'AuthorizationCodeRefused' then
      update authorizations set version = e.version where id = e.stream_id;
    when 'AuthorizationCodeReplayed' then
      update authorizations set status = 'replayed', version = e.version where id = e.stream_id;
  end case;
end $$;

create function auth_gateway.rebuild_authorizations() returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  truncate authorizations;
  perform project_authorization(e) from event_store e where e.stream_type = 'authorization' order by e.position;
end $$;
