import type postgres from 'postgres'
import type { Consent } from '../domain/consent.ts'
import type { RateLimit } from '../events/store.ts'
import type { Personal } from '../personal.ts'
import { type Client, clientColumn, hasClientId } from './api-clients.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'
import { waitColumn } from './rate-limits.ts'

type Delegation = {
  id: string
  /** Of the agent's row. */
  clientId: string
  scopes: string[]
  resources: string[]
  expiresAt: Date
  live: boolean
}

type Row = Omit<Delegation, 'id'> & { id: string | null; client: Client | null; wait: number } & PersonRow

/** A person's delegation to an agent, with the person and the requesting client. One statement. */
export async function findDelegation(
  sql: postgres.Sql,
  personal: Personal,
  input: { id?: string; clientId?: string; limits?: RateLimit[] },
): Promise<{ delegation?: Delegation; person?: Person; client?: Client; wait: number }> {
  const [row] = await sql<Row[]>`
    select d.id, d.client_id as "clientId", d.scopes, d.resources, d.expires_at as "expiresAt",
      d.ended_at is null and d.expires_at > now() as live, ${clientColumn(sql, input.clientId)}, ${waitColumn(sql, input.limits)}, i.*
    from (select 1) as one
    left join auth_gateway.agent_delegations d on d.id = ${input.id ?? null}
    ${joinPerson(sql, sql`d.uai`)}`
  if (!row) throw new Error('lookup returned no row')
  const { id, clientId, scopes, resources, expiresAt, live, wait } = row
  const client = row.client ?? undefined
  if (!id) return { client, wait }
  const delegation = { id, clientId, scopes, resources, expiresAt, live }
  return { delegation, person: toPerson(personal, row), client, wait }
}

/** Access to a person's account: of an agent by delegation, or of an application by consent. */
export type Access = {
  id: string
  client_id: string
  client_name: string
  origin: Client['origin']
  first_party: boolean
  scopes: string[]
  resources: string[]
  since: Date
  last_used_at: Date | null
  expires_at: Date | null
}

/** The agents that may act for a person now. */
export function listDelegations(sql: postgres.Sql, { members }: Person): Promise<Access[]> {
  return sql<Access[]>`
    select d.id, c.client_id, c.metadata->>'client_name' as client_name, c.origin, c.first_party, d.scopes, d.resources,
      d.created_at as since, d.expires_at,
      greatest((select u.last_used_at from auth_gateway.archived_uses u where u.id = d.id),
        (select max(f.started_at) from auth_gateway.token_families f where f.uai = d.uai and f.agent_delegation_id = d.id)) as last_used_at
    from auth_gateway.agent_delegations d join auth_gateway.api_clients c on c.id = d.client_id
    where d.uai = any (${members}) and d.ended_at is null and d.expires_at > now()
    order by d.created_at desc limit 200`
}

/** The applications that have active tokens or keys of a person, or the person's consent. */
export function listApplications(sql: postgres.Sql, { members }: Person): Promise<Access[]> {
  return sql<Access[]>`
    select c.id, c.client_id, c.metadata->>'client_name' as client_name, c.origin, c.first_party,
      array(select distinct s from unnest(coalesce(n.scopes, '{}') || coalesce(h.scopes, '{}')) as s order by s) as scopes,
      coalesce(n.resources, '{}') as resources, coalesce(least(h.since, n.granted_at), c.created_at) as since, u.last_used_at, null as expires_at
    from (
      select f.client_id as id from auth_gateway.token_families f
      where f.uai = any (${members}) and f.kind = 'authorization' and f.revoked_at is null and f.expires_at > now()
      union select x.client_id from auth_gateway.consents x where x.uai = any (${members}) and x.withdrawn_at is null
      union select k.application from auth_gateway.api_keys k
        where k.created_by = any (${members}) and k.status in ('active', 'quarantined')) as one
    join auth_gateway.api_clients c on c.id = one.id
    left join (
      select f.client_id, min(f.started_at) as since, array_agg(s) filter (where s is not null) as scopes
      from auth_gateway.token_families f left join unnest(f.scope) as s on true
      where f.uai = any (${members}) and f.kind = 'authorization' and f.revoked_at is null and f.expires_at > now()
      group by f.client_id) as h on h.client_id = c.id
    left join lateral (select max(coalesce(f.rotated_at, f.started_at)) as last_used_at from auth_gateway.token_families f
      where f.uai = any (${members}) and f.client_id = c.id and f.kind = 'authorization') as u on true
    left join lateral (select x.* from auth_gateway.consents x where x.client_id = c.id and x.uai = any (${members})
      and x.withdrawn_at is null order by x.granted_at limit 1) as n on true
    order by coalesce(u.last_used_at, n.granted_at) desc limit 200`
}

type Holdings = { families: string[]; consents: string[]; keys: { id: string; createdBy: string }[] }

/** An application's access to a person: token families and keys that can still be revoked, and the consent. */
export async function findApplication(
  sql: postgres.Sql,
  { members }: Person,
  clientId: string,
): Promise<Holdings | undefined> {
  const [row] = await sql<Holdings[]>`
    select array(select f.id::text from auth_gateway.token_families f where f.uai = any (${members}) and f.client_id = c.id
        and f.kind = 'authorization' and f.revoked_at is null and f.expires_at > now()) as families,
      array(select n.id::text from auth_gateway.consents n where n.uai = any (${members}) and n.client_id = c.id
        and n.withdrawn_at is null) as consents,
      (select coalesce(json_agg(json_build_object('id', k.id, 'createdBy', k.created_by)), '[]') from auth_gateway.api_keys k
        where k.created_by = any (${members}) and k.application = c.id and k.status in ('active', 'quarantined')) as keys
    from auth_gateway.api_clients c
    where auth_gateway.client_key(c.client_id) = auth_gateway.client_key(${clientId}::text)`
  return row && row.families.length + row.consents.length + row.keys.length > 0 ? row : undefined
}

export type GrantedConsent = Consent & { granted_at: string }

/** A client, a person's consent to it, and the default resources. One statement. */
export async function findForApplication(
  sql: postgres.Sql,
  members: string[],
  clientId: string,
): Promise<{ client?: Client; consent?: GrantedConsent; resources: string[] }> {
  const [row] = await sql<{ client: Client | null; consent: GrantedConsent | null; resources: string[] | null }[]>`
    select ${clientColumn(sql, clientId)},
      (select to_jsonb(n) from auth_gateway.consents n join auth_gateway.api_clients c on c.id = n.client_id
        where n.uai = any (${members}) and ${hasClientId(sql, clientId)}
        order by n.granted_at desc limit 1) as consent,
      (select array_agg(r.identifier) from auth_gateway.protected_resources r where r.is_default) as resources`
  return { client: row?.client ?? undefined, consent: row?.consent ?? undefined, resources: row?.resources ?? [] }
}
