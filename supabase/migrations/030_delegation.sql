-- Whether everything that delegated tokens came from still stands: the families before, the very access tokens that were
-- exchanged, the clients that held them, and the API key or the person's word to an agent where one was the beginning.
create function auth_gateway.ancestry_is_live(f auth_gateway.token_families) returns boolean
language plpgsql stable set search_path = auth_gateway, pg_temp as $$
begin
  return not exists (
      select 1 from unnest(f.ancestors) as a(id)
      left join token_families t on t.id = a.id
      left join api_clients c on c.id = t.client_id
      where t.id is null or t.revoked_at is not null or t.expires_at <= now() or c.status is distinct from 'active')
    and not exists (select 1 from access_token_revocations r where r.jti = any (f.ancestor_tokens))
    and (f.agent_delegation_id is null or exists (
      select 1 from agent_delegations d where d.id = f.agent_delegation_id and d.ended_at is null and d.expires_at > now()))
    and (f.api_key_id is null or exists (
      select 1 from api_keys k where k.id = f.api_key_id and k.status = 'active' and k.rotations = f.api_key_rotations
        and (k.expires_at is null or k.expires_at > now())));
end $$;

grant execute on function auth_gateway.ancestry_is_live(auth_gateway.token_families) to auth_gateway_app;
