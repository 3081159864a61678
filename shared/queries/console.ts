import type postgres from 'postgres'
import type { Personal } from '../personal.ts'
import { rangeOf, recordedSince } from './log-time.ts'
import { joinPerson, type Person, type PersonRow, toPerson } from './person.ts'

const PAGE = 50

/** One organization, or all if undefined. */
type Scope = string | undefined

const within = (sql: postgres.Sql, column: string, organizationId: Scope) =>
  organizationId === undefined ? sql`true` : sql`${sql(column)} = ${organizationId}`

export type ListedPerson = Person & { status: string }

/**
 * People, newest first, without retired identities of merges.
 * @param find a UAI, or the keyed digest of an address
 */
export async function listPeople(
  sql: postgres.Sql,
  personal: Personal,
  organizationId: Scope,
  { uai, digest, before }: { uai?: string; digest?: Uint8Array; before?: string },
): Promise<ListedPerson[]> {
  // Credentials of an identity of another organization find no one here, also when it was merged into one of this organization.
  const own = within(sql, 'o.organization_id', organizationId)
  const found = uai
    ? sql`i.uai = (select o.canonical_uai from auth_gateway.identities o where o.uai = ${uai} and ${own})`
    : digest
      ? sql`i.uai in (select o.canonical_uai from auth_gateway.credentials c join auth_gateway.identities o on o.uai = c.uai
          where c.digest = ${digest} and ${own})`
      : sql`true`
  const rows = await sql<PersonRow[]>`
    select i.* from auth_gateway.identities n join auth_gateway.person_facts i on i.uai = n.uai
    where ${found} and n.merged_into is null and ${within(sql, 'i.organization_id', organizationId)}
      and ${before ? sql`i.uai < ${before}` : sql`true`} order by i.uai desc limit ${PAGE}`
  return rows.map((row) => ({ ...toPerson(personal, row), status: row.identity_status }))
}

/**
 * A person as an operator may see them, found by any UAI of the organization. Where a merge went across organizations, the members are
 * those of this one alone; and when the surviving identity is of another one, the asked identity is returned instead.
 */
export async function findListed(
  sql: postgres.Sql,
  personal: Personal,
  organizationId: Scope,
  uai: string,
): Promise<ListedPerson | undefined> {
  const [row] = await sql<(PersonRow & { seen: string[] })[]>`
    select i.*, (
      select array_agg(m.uai::text order by m.uai) from auth_gateway.identities m
      where m.uai = any (g.members) and ${within(sql, 'm.organization_id', organizationId)}) as seen
    from auth_gateway.identities own join auth_gateway.identities g on g.uai = own.canonical_uai
    join auth_gateway.person_facts i
      on i.uai = case when ${within(sql, 'g.organization_id', organizationId)} then g.uai else own.uai end
    where own.uai = ${uai} and ${within(sql, 'own.organization_id', organizationId)}`
  return row && { ...toPerson(personal, { ...row, members: row.seen }), status: row.identity_status }
}

export type ListedSession = {
  id: string
  uai: string
  platform: string
  method: string
  stepped_up_at: Date | null
  started_at: Date
  expires_at: Date
}

/** Active sessions, newest first: of an organization, or of one person. */
export function listLiveSessions(
  sql: postgres.Sql,
  organizationId: Scope,
  { members, before }: { members?: string[]; before?: string } = {},
): Promise<ListedSession[]> {
  // Conditions on the session itself come first, since an index covers them.
  const live = sql`
    s.ended_at is null and s.expires_at > now() and ${before ? sql`s.id < ${before}` : sql`true`} and auth_gateway.session_is_live(s)
    order by s.id desc limit ${PAGE}`
  const whose = members
    ? sql`select m.uai from unnest(${members}::uuid[]) as m(uai)`
    : organizationId && sql`select i.uai from auth_gateway.identities i where i.organization_id = ${organizationId}`
  const found = whose
    ? sql`select s.* from (${whose}) as p cross join lateral (
        select * from auth_gateway.sessions s where s.uai = p.uai and ${live}) s order by s.id desc limit ${PAGE}`
    : sql`select s.* from auth_gateway.sessions s where ${live}`
  return sql<ListedSession[]>`
    select s.id, s.uai, s.platform, s.method, s.stepped_up_at, s.started_at, s.expires_at from (${found}) s`
}

export type ListedKey = {
  id: string
  created_by: string
  status: string
  preview: string
  scopes: string[]
  created_at: Date
  expires_at: Date | null
}

/** API keys, newest first: of an organization, or of one person. */
export function listApiKeys(
  sql: postgres.Sql,
  organizationId: Scope,
  { members, before }: { members?: string[]; before?: string } = {},
): Promise<ListedKey[]> {
  return sql<ListedKey[]>`
    select k.id, k.created_by, k.status, k.preview, k.scopes, k.created_at, k.expires_at
    from auth_gateway.api_keys k join auth_gateway.identities i on i.uai = k.created_by
    where ${within(sql, 'i.organization_id', organizationId)} and ${members ? sql`k.created_by = any (${members})` : sql`true`}
      and ${before ? sql`k.id < ${before}` : sql`true`} and k.status <> 'deleted' order by k.id desc limit ${PAGE}`
}

/** The organizations of the owner of a session, key or identity; undefined if there is none. */
export async function ownerOf(
  sql: postgres.Sql,
  personal: Personal,
  kind: 'session' | 'api_key',
  id: string,
): Promise<Person | undefined> {
  const uai =
    kind === 'session'
      ? sql`(select s.uai from auth_gateway.sessions s where s.id = ${id})`
      : sql`(select k.created_by from auth_gateway.api_keys k where k.id = ${id})`
  const [row] = await sql<PersonRow[]>`select i.* from (select 1) as one ${joinPerson(sql, uai)}`
  return row?.uai ? toPerson(personal, row) : undefined
}

export type ListedClient = {
  id: string
  client_id: string
  name: string
  status: 'active' | 'suspended' | 'deleted'
  first_party: boolean
  origin: string
  created_at: Date
}

/** Applications, newest first. */
export function listApplicationsOfAll(sql: postgres.Sql, before: string | undefined): Promise<ListedClient[]> {
  return sql<ListedClient[]>`
    select c.id, c.client_id, c.metadata->>'client_name' as name, c.status, c.first_party, c.origin, c.created_at
    from auth_gateway.api_clients c
    where c.status <> 'deleted' and ${before ? sql`c.id < ${before}` : sql`true`} order by c.id desc limit ${PAGE}`
}

type DayCount = { day: string; type: string; count: number }

/** Maximum events counted per line of a chart, newest first, to bound its cost. */
const MOST_COUNTED = 20_000

/** Daily counts of each event type in the last days, oldest first. */
export async function countByDay(
  sql: postgres.Sql,
  organizationId: Scope,
  { types, since }: { types: string[]; since: Date },
): Promise<DayCount[]> {
  const range = await rangeOf(sql, { since })
  const ofOrganization =
    organizationId === undefined
      ? sql`true`
      : sql`e.subject in (select i.uai from auth_gateway.identities i where i.organization_id = ${organizationId})`
  // One query per type, since rare and frequent types need different indexes.
  const newest = types.map(
    (type) => sql`
      (select e.event_type, e.recorded_at from auth_gateway.event_store e
       where e.event_type = ${type} and ${recordedSince(sql, since, range)} and ${ofOrganization}
       order by e.position desc limit ${MOST_COUNTED})`,
  )
  return sql<DayCount[]>`
    select to_char(x.recorded_at at time zone 'UTC', 'YYYY-MM-DD') as day, x.event_type as type, count(*)::int as count
    from (${newest.reduce((all, one) => sql`${all} union all ${one}`)}) x
    group by 1, 2 order by 1, 2`
}

export type RuleCount = { rule: string; callers: number; hits: number; most: number }

/** The active rate limits: number of callers, total hits, and hits of the busiest caller. */
export function countLimits(sql: postgres.Sql): Promise<RuleCount[]> {
  return sql<RuleCount[]>`
    select split_part(bucket, ':', 1) as rule, count(*)::int as callers, sum(count)::int as hits, max(count) as most
    from auth_gateway.rate_limits where expires_at > now() group by 1 order by hits desc limit 12`
}

type AdminStatus = {
  identities: number
  live_sessions: number
  clients: number
  live_api_keys: number
  /** Of the last 24 hours. */
  refused_requests: number
  last_event_at: string | null
}

/** Counts of everything, for platform operators. One statement. */
export async function readAdminStatus(sql: postgres.Sql): Promise<AdminStatus> {
  const [row] = await sql<{ status: AdminStatus }[]>`
    select json_build_object(
      'identities', (select count(*) from auth_gateway.identities),
      'live_sessions', (select count(*) from auth_gateway.sessions where ended_at is null and expires_at > now()),
      'clients', (select count(*) from auth_gateway.api_clients where status = 'active'),
      'live_api_keys', (select count(*) from auth_gateway.api_keys
        where status = 'active' and (expires_at is null or expires_at > now())),
      'refused_requests', (select coalesce(sum(count), 0) from auth_gateway.refused_requests
        where refused_at > now() - interval '24 hours'),
      'last_event_at', (select recorded_at from auth_gateway.event_store order by position desc limit 1)
    ) as status`
  if (!row) throw new Error('no status')
  return row.status
}
