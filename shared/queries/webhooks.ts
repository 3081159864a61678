import type postgres from 'postgres'
import type { WebhookSettings } from '../domain/webhook.ts'
import { type AuditRow, type AuditScope, auditColumns } from './audit-events.ts'
import { secretOf } from './event-secrets.ts'

export type WebhookRow = {
  id: string
  settings: WebhookSettings
  organization_id: string | null
  status: 'active' | 'stopped'
  status_reason: string | null
  added_at: Date
  secret: Uint8Array | null
  delivered: string
  last_delivered_at: Date | null
  waiting: number
  dead: number
  /** How many events still have to be sent or looked at. */
  behind: string
}

/** Webhooks, oldest first: all, or those of one organization. */
export function listWebhooks(sql: postgres.Sql, organizationId?: string, id?: string): Promise<WebhookRow[]> {
  return sql<WebhookRow[]>`
    select w.id, w.settings, w.organization_id, w.status, w.status_reason, w.added_at,
      ${secretOf(sql, sql`w.secret_event`, 'signing_secret')} as secret,
      coalesce(c.delivered, 0)::text as delivered, c.last_delivered_at, n.waiting, n.dead,
      greatest(0, (select e.position from auth_gateway.event_store e order by e.position desc limit 1) - case when c.delivered_since = w.delivered_since then c.position
        else w.delivered_after end)::text as behind
    from auth_gateway.webhooks w
    left join auth_gateway.webhook_cursors c on c.webhook_id = w.id
    cross join lateral (select count(*) filter (where d.status = 'waiting')::int as waiting,
      count(*) filter (where d.status = 'dead')::int as dead from auth_gateway.webhook_deliveries d where d.webhook_id = w.id) n
    where ${organizationId === undefined ? sql`true` : sql`w.organization_id = ${organizationId}`}
      and ${id === undefined ? sql`true` : sql`w.id = ${id}`}
    order by w.added_at, w.id`
}

/** Claims a webhook; returns the position to go on from, undefined when another process has claimed it. */
export async function claimWebhook(sql: postgres.Sql, id: string, seconds: number): Promise<string | undefined> {
  const [row] = await sql<{ position: string | null }[]>`
    select auth_gateway.claim_webhook(${id}, ${seconds})::text as position`
  return row?.position ?? undefined
}

type Waiting = { position: string; attempts: number; due: boolean }
export type EventToSend = AuditRow & Partial<Waiting>

/** Deliveries that wait for another try, by position. */
export function listWaiting(sql: postgres.Sql, id: string, limit: number): Promise<EventToSend[]> {
  return sql<EventToSend[]>`
    select ${auditColumns(sql)}, null as wrapped_key, d.attempts, d.next_at <= now() as due
    from auth_gateway.webhook_deliveries d join auth_gateway.event_store e on e.position = d.position
    where d.webhook_id = ${id} and d.status = 'waiting' order by d.position limit ${limit}`
}

/** The next settled events to send to a webhook. */
export function eventsToSend(
  sql: postgres.Sql,
  scope: AuditScope,
  types: string[],
  { after, until, limit }: { after: string; until: string; limit: number },
): Promise<EventToSend[]> {
  const range = sql`e.position > ${after} and e.position <= ${until}
    and ${types.length === 0 ? sql`true` : sql`e.event_type = any (${types})`} order by e.position limit ${limit}`
  const columns = sql`${auditColumns(sql)}, null as wrapped_key`
  if (scope.of !== 'organization')
    return sql<EventToSend[]>`select ${columns} from auth_gateway.event_store e where ${range}`
  return sql<EventToSend[]>`
    select ${columns} from auth_gateway.identities m cross join lateral (
      select * from auth_gateway.event_store e where e.subject = m.uai and ${range}) e
    where m.organization_id = ${scope.id} order by e.position limit ${limit}`
}

export type TurnOutcome = {
  position: string
  stream_id: string
  status: 'delivered' | 'waiting' | 'dead'
  attempts: number
  next_at: string
  failure?: string
}

/** Records the deliveries of a run and unlocks the webhook. */
export async function recordTurn(
  sql: postgres.Sql,
  id: string,
  turn: { position: string; outcomes: TurnOutcome[]; delivered: number },
): Promise<void> {
  const { position, outcomes, delivered } = turn
  await sql`select auth_gateway.record_webhook_turn(${id}, ${position}, ${sql.json(outcomes as postgres.JSONValue)}, ${delivered})`
}

type DeliveryRow = {
  position: string
  event_id: string
  type: string
  stream_id: string
  status: 'waiting' | 'dead'
  attempts: number
  next_at: Date
  failure: string | null
  failed_at: Date
}

/** Failed deliveries of a webhook, oldest first. */
export function listUndelivered(
  sql: postgres.Sql,
  id: string,
  { status, after, limit }: { status: 'waiting' | 'dead'; after: string; limit: number },
): Promise<DeliveryRow[]> {
  return sql<DeliveryRow[]>`
    select d.position::text, e.event_id, e.event_type as type, d.stream_id, d.status, d.attempts, d.next_at, d.failure, d.failed_at
    from auth_gateway.webhook_deliveries d join auth_gateway.event_store e on e.position = d.position
    where d.webhook_id = ${id} and d.status = ${status} and d.position > ${after} order by d.position limit ${limit}`
}

/** Schedules dead deliveries for a retry; returns how many. */
export async function retryDead(sql: postgres.Sql, id: string, position: string | undefined): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select auth_gateway.retry_webhook_deliveries(${id}, ${position ?? null}) as count`
  return row?.count ?? 0
}

/** Deletes the deliveries of removed webhooks. */
export async function forgetRemovedWebhooks(sql: postgres.Sql): Promise<void> {
  await sql`select auth_gateway.forget_removed_webhooks()`
}
