import type postgres from 'postgres'
import { type AuditRow, auditColumns } from './audit-events.ts'

export type TracedEvent = Omit<AuditRow, 'version' | 'hash' | 'wrapped_key'>

/** Stream types that others derive from: a session may begin with a factor that was added in another one. */
const TRACED = [
  'session',
  'authorization',
  'device_authorization',
  'token_family',
  'api_key',
  'agent_delegation',
  'totp_authenticator',
  'passkey',
  'recovery_codes',
]

const MOST = 20_000

/** Where a trace begins: an event by its id, or the first event of a session, token family, key or agent. */
export async function findOrigin(sql: postgres.Sql, id: string): Promise<TracedEvent | undefined> {
  const [row] = await sql<TracedEvent[]>`
    select ${auditColumns(sql)} from auth_gateway.event_store e where e.event_id = ${id}
    union all
    select ${auditColumns(sql)} from auth_gateway.event_store e
    where e.stream_type = any (${TRACED}) and e.stream_id = ${id} and e.version = 1 limit 1`
  return row
}

type Concerned = { uai: string; role: string; members: string[]; organizations: string[] }

/** The people whom an event is about or who caused it, with all their UAIs and organizations. */
export async function peopleOf(sql: postgres.Sql, uais: string[]): Promise<Concerned[]> {
  return sql<Concerned[]>`
    select distinct g.uai, g.role, g.members::text[] as members, g.organizations::text[] as organizations
    from auth_gateway.identities i join auth_gateway.identities g on g.uai = i.canonical_uai where i.uai = any (${uais})`
}

/** What began or was granted in these people's streams after a position, by position. */
export function beganAfter(sql: postgres.Sql, members: string[], position: string): Promise<TracedEvent[]> {
  return sql<TracedEvent[]>`
    select * from (
      select ${auditColumns(sql)} from unnest(${members}::uuid[]) as m(uai) cross join lateral (
        select * from auth_gateway.event_store e where e.subject = m.uai and e.position > ${position}
          and e.stream_type = any (${TRACED}) and (e.version = 1 or e.stream_type = 'device_authorization')
        order by e.position limit ${MOST}) e) e
    order by e.position::bigint limit ${MOST}`
}

/** Actions of sessions on other people than these: an operator's actions. */
export function actsOnOthers(sql: postgres.Sql, sessions: string[], members: string[]): Promise<TracedEvent[]> {
  return sql<TracedEvent[]>`
    select * from (
      select ${auditColumns(sql)} from unnest(${sessions}::text[]) as s(id) cross join lateral (
        select * from auth_gateway.event_store e
        where e.metadata->>'sessionId' = s.id and (e.subject is null or e.subject <> all (${members}::uuid[]))
        order by e.position limit 500) e) e
    order by e.position::bigint limit 500`
}

type Liveness = { id: string; live: boolean; label: string | null }

/** Which of these sessions, token families, keys and agents are still active, with their names. */
export function livenessOf(sql: postgres.Sql, ids: string[]): Promise<Liveness[]> {
  return sql<Liveness[]>`
    select s.id, s.ended_at is null and s.expires_at > now() as live, s.method as label
    from auth_gateway.sessions s where s.id = any (${ids})
    union all
    select f.id, f.revoked_at is null and f.expires_at > now(), c.client_id
    from auth_gateway.token_families f left join auth_gateway.api_clients c on c.id = f.client_id where f.id = any (${ids})
    union all
    select k.id, k.status in ('active', 'quarantined') and coalesce(k.expires_at > now(), true), k.preview
    from auth_gateway.api_keys k where k.id = any (${ids})
    union all
    select d.id, d.ended_at is null and d.expires_at > now(), c.client_id
    from auth_gateway.agent_delegations d left join auth_gateway.api_clients c on c.id = d.client_id where d.id = any (${ids})`
}
