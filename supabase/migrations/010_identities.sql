-- One row per UAI. Names and addresses are sealed under the person's data key. A merged UAI keeps its row: canonical_uai is the one it
-- resolves to, members are all that resolve to this one.
create table auth_gateway.identities (
  uai             uuid primary key,
  status          text not null check (status in ('active', 'suspended', 'erased')),
  role            text not null,
  plan            text not null,
  organization_id uuid not null,
  locale          text,
  name            text,
  -- Linked addresses, oldest first: [{id, address, verified}]. email is the first verified one, or else the first.
  emails          jsonb not null default '[]',
  email           text,
  email_verified  boolean not null default false,
  merged_into     uuid,
  canonical_uai   uuid not null,
  members         uuid[] not null,
  organizations   uuid[] not null,
  -- Counts changes of role, organization, status and merges; operator codes issued before a change are void.
  standing        integer not null default 1,
  -- Whether the person does not want to be offered a passkey after a sign-in.
  passkey_offer_declined boolean not null default false,
  created_at      timestamptz not null,
  version         integer not null
);

create index identities_organization on auth_gateway.identities (organization_id);
create index identities_merged_into on auth_gateway.identities (merged_into) where merged_into is not null;

-- Updates canonical_uai, members and organizations in the merge tree of an identity.
create function auth_gateway.regroup_identity(p_uai uuid) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
declare
  v_root uuid;
  v_members uuid[];
  v_organizations uuid[];
begin
  with recursive up as (
    select uai, merged_into from identities where uai = p_uai
    union all select i.uai, i.merged_into from identities i join up on i.uai = up.merged_into)
  select uai into v_root from up where merged_into is null;
  with recursive down as (
    select uai, organization_id from identities where uai = v_root
    union all select i.uai, i.organization_id from identities i join down on i.merged_into = down.uai)
  select array_agg(uai order by uai), array_agg(organization_id order by uai) into v_members, v_organizations from down;
  update identities set canonical_uai = v_root,
    members = case when uai = v_root then v_members else array[uai] end,
    organizations = case when uai = v_root then v_organizations else array[organization_id] end
  where uai = any (v_members);
end $$;

create function auth_gateway.project_identity(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'IdentityCreated' then
      insert into identities (uai, status, role, plan, organization_id, locale, name, canonical_uai, members, organizations,
        created_at, version)
      values (e.stream_id, 'active', e.data->>'role', e.data->>'plan', (e.data->>'organizationId')::uuid, e.data->>'locale',
        e.data->'sealed'->>'name', e.stream_id, array[e.stream_id], array[(e.data->>'organizationId')::uuid], e.recorded_at, e.version);
    when 'CredentialLinked', 'CredentialUnlinked' then
      update identities i set version = e.version, emails = n.emails, email = m.main->>'address',
        email_verified = coalesce((m.main->>'verified')::boolean, false)
      from (select case
          when e.event_type = 'CredentialUnlinked' then coalesce((select jsonb_agg(x order by n)
            from jsonb_array_elements(o.emails) with ordinality as t(x, n) where x->>'id' <> e.data->>'credentialId'), '[]')
          when e.data->>'kind' = 'email' then o.emails || jsonb_build_array(jsonb_build_object('id', e.data->>'credentialId',
            'address', e.data->'sealed'->>'address', 'verified', e.data->'verified'))
          else o.emails end as emails
        from identities o where o.uai = e.stream_id) as n
      cross join lateral (select coalesce((select x from jsonb_array_elements(n.emails) with ordinality as t(x, n)
        where (x->>'verified')::boolean order by t.n limit 1), n.emails->0) as main) as m
      where i.uai = e.stream_id;
    when 'IdentityChanged' then
      update identities set role = coalesce(e.data->>'role', role), plan = coalesce(e.data->>'plan', plan),
        locale = coalesce(e.data->>'locale', locale), name = coalesce(e.data->'sealed'->>'name', name),
        organization_id = coalesce((e.data->>'organizationId')::uuid, organization_id), version = e.version,
        passkey_offer_declined = passkey_offer_declined or e.data ? 'passkeyOffer',
        standing = standing + (e.data ?| array['role', 'organizationId'])::integer
      where uai = e.stream_id;
      perform regroup_identity(e.stream_id);
    when 'IdentityMerged' then
      update identities set merged_into = (e.data->>'into')::uuid, standing = standing + 1, version = e.version where uai = e.stream_id;
      perform regroup_identity(e.stream_id);
    when 'IdentitySplit' then
      update identities set merged_into = null, standing = standing + 1, version = e.version where uai = e.stream_id;
      perform regroup_identity(e.stream_id);
      perform regroup_identity((e.data->>'from')::uuid);
    when 'IdentityAbsorbed', 'IdentityReleased' then
      update identities set standing = standing + 1, version = e.version where uai = e.stream_id;
    when 'IdentitySuspended' then
      update identities set status = 'suspended', standing = standing + 1, version = e.version where uai = e.stream_id;
    when 'IdentityReinstated' then
      update identities set status = 'active', standing = standing + 1, version = e.version where uai = e.stream_id;
    when 'IdentityErased' then
      update identities set status = 'erased', name = null, emails = '[]', email = null, email_verified = false, locale = null,
        standing = standing + 1, version = e.version where uai = e.stream_id;
  end case;
end $$;

insert into auth_gateway.read_models values ('identities', 'identity', 'project_identity');

-- Credentials. Each belongs to one identity; its digest comes from lookup_digests, so an erased person has none, also after a rebuild.
create table auth_gateway.credentials (
  id        uuid primary key,
  uai       uuid not null,
  kind      text not null,
  provider  text,
  digest    bytea,
  address   text,
  verified  boolean not null,
  evidence  jsonb not null,
  linked_at timestamptz not null
);
create unique index credentials_digest on auth_gateway.credentials (kind, digest);
create index credentials_uai on auth_gateway.credentials (uai);

create function auth_gateway.project_credential(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'CredentialLinked' then
      insert into credentials (id, uai, kind, provider, digest, address, verified, evidence, linked_at)
      values ((e.data->>'credentialId')::uuid, e.stream_id, e.data->>'kind', e.data->>'provider',
        (select d.digest from lookup_digests d where d.event_id = e.event_id and d.kind = e.data->>'kind'),
        e.data->'sealed'->>'address', (e.data->>'verified')::boolean, e.data->'evidence', e.recorded_at);
    when 'CredentialUnlinked' then
      delete from credentials where id = (e.data->>'credentialId')::uuid;
    when 'IdentityErased' then
      delete from credentials where uai = e.stream_id;
    when 'IdentityCreated', 'IdentitySuspended', 'IdentityReinstated', 'IdentityMerged', 'IdentityAbsorbed', 'IdentitySplit',
      'IdentityReleased', 'IdentityChanged' then
      null;
  end case;
end $$;

insert into auth_gateway.read_models values ('credentials', 'identity', 'project_credential');

create table auth_gateway.organizations (
  id         uuid primary key,
  kind       text not null check (kind in ('personal', 'team')),
  owner      uuid not null,
  created_at timestamptz not null,
  version    integer not null
);

create function auth_gateway.project_organization(e auth_gateway.event_store) returns void
language plpgsql set search_path = auth_gateway, pg_temp as $$
begin
  case e.event_type
    when 'OrganizationCreated' then
      insert into organizations (id, kind, owner, created_at, version)
      values (e.stream_id, e.data->>'kind', (e.data->>'owner')::uuid, e.recorded_at, e.version);
  end case;
end $$;

insert into auth_gateway.read_models values ('organizations', 'organization', 'project_organization');

-- A person with the wrapped data key.
create view auth_gateway.person_facts with (security_invoker = true) as
select i.uai, i.status as identity_status, i.role, i.plan, i.organization_id, i.locale, i.name, i.email, i.email_verified, i.members,
  i.organizations, i.standing, i.created_at as identity_created_at, encode(k.wrapped_key, 'base64') as wrapped_key
from auth_gateway.identities i left join auth_gateway.subject_keys k on k.subject = i.uai;

grant select on auth_gateway.person_facts to auth_gateway_app;

-- Returns the challenges, messages and suppressions of a person's addresses: each has a data key of its own.
create function auth_gateway.subjects_of_addresses(p_subject uuid) returns uuid[]
language sql stable set search_path = auth_gateway, pg_temp as $$
  select coalesce(array_agg(distinct other.subject order by other.subject), '{}')
  from lookup_digests own
  join lookup_digests other on other.digest = own.digest and other.subject <> own.subject
    and other.kind in ('otp_address', 'otp_browser_address', 'message_address', 'suppressed_address')
  where own.subject = p_subject
$$;

-- Deletes the data key, look-up digests and upstream sessions of an erased person, and of the subjects that IdentityErased lists. Events and
-- hashes do not change. Idempotent. Returns the number of keys deleted; raises LA004 when the person is not erased.
create function auth_gateway.forget_erased(p_subject uuid) returns integer
language plpgsql security definer set search_path = auth_gateway, pg_temp as $$
declare
  v_subjects uuid[];
  v_keys integer;
begin
  select array_append(array(select jsonb_array_elements_text(coalesce(e.data->'forgotten', '[]')))::uuid[], p_subject)
  into v_subjects from event_store e
  where e.stream_type = 'identity' and e.stream_id = p_subject and e.event_type = 'IdentityErased';
  if not found then
    raise exception 'identity % is not erased', p_subject using errcode = 'LA004';
  end if;
  delete from lookup_digests where subject = any (v_subjects);
  delete from event_secrets where name = 'upstream' and stream_id in (select id from sessions where uai = any (v_subjects));
  update api_keys set name_digest = null where created_by = p_subject;
  update projects set name_digest = null where owner_id = p_subject and status = 'active';
  update stored_keys set name_digest = null where created_by = p_subject and name_digest is not null;
  update passkeys set digest = null where uai = p_subject;
  update sign_in_places set digest = null where uai = p_subject;
  delete from subject_keys where subject = any (v_subjects);
  get diagnostics v_keys = row_count;
  return v_keys;
end $$;

grant execute on function auth_gateway.subjects_of_addresses, auth_gateway.forget_erased to auth_gateway_app;
