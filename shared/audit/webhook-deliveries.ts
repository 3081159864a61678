import { createCall } from '../call.ts'
import { stopWebhook, webhook } from '../domain/webhook.ts'
import { commit } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import type { AuditScope } from '../queries/audit-events.ts'
import { settleLog } from '../queries/audit-tree.ts'
import {
  claimWebhook,
  type EventToSend,
  eventsToSend,
  forgetRemovedWebhooks,
  listWaiting,
  listWebhooks,
  recordTurn,
  type TurnOutcome,
  type WebhookRow,
} from '../queries/webhooks.ts'
import { deliverEvent, type Failure, openWebhookSecret } from './webhook-message.ts'

const BATCH = 200
/** New events are not read while this many deliveries wait. */
const MOST_WAITING = 1000
const AT_ONCE = 8
const LEASE_SECONDS = 60
const BUDGET_MS = 20_000
/** Consecutive failures after which a turn ends. */
const PATIENCE = 3
/** Seconds between attempts, as Standard Webhooks recommends. After the last attempt a delivery is dead. */
const PAUSES = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]

function outcomeOf(
  { position, stream_id, attempts = 0 }: EventToSend,
  failure: NonNullable<Failure>,
  now: Date,
): TurnOutcome {
  const pause = PAUSES[attempts]
  const seconds = (pause ?? 0) * (0.9 + Math.random() / 5)
  return {
    position,
    stream_id,
    status: pause === undefined || failure.gone ? 'dead' : 'waiting',
    attempts: attempts + 1,
    next_at: new Date(now.getTime() + seconds * 1000).toISOString(),
    failure: failure.failure,
  }
}

type Turn = { delivered: number; failedInARow: number; gone: boolean; outcomes: TurnOutcome[] }
/** `more`: whether another turn may find something. */
type TurnResult = { delivered: number; more: boolean }

/** Delivers the events of one stream in order: after a failed one, later ones wait. */
async function deliverStream(
  gateway: Gateway,
  to: { url: string; secret: string },
  events: EventToSend[],
  turn: Turn,
  deadline: number,
) {
  let held = false
  for (const event of events) {
    const over = turn.gone || turn.failedInARow >= PATIENCE || performance.now() > deadline
    if (held || over || event.due === false) {
      held = true
      if (event.due === undefined)
        turn.outcomes.push({
          ...outcomeOf(event, { failure: 'held' }, gateway.now()),
          status: 'waiting',
          attempts: 0,
          next_at: gateway.now().toISOString(),
        })
      continue
    }
    const failure = await deliverEvent(gateway, to, event)
    if (failure) {
      turn.failedInARow += 1
      turn.gone ||= failure.gone ?? false
      const outcome = outcomeOf(event, failure, gateway.now())
      turn.outcomes.push(outcome)
      held = outcome.status === 'waiting'
      continue
    }
    turn.failedInARow = 0
    turn.delivered += 1
    if (event.due !== undefined)
      turn.outcomes.push({ ...outcomeOf(event, { failure: '' }, gateway.now()), status: 'delivered' })
  }
}

async function takeTurn(gateway: Gateway, row: WebhookRow, deadline: number): Promise<TurnResult> {
  const { reads } = gateway
  const { id, settings, organization_id, secret } = row
  const after = await claimWebhook(reads, id, LEASE_SECONDS)
  if (after === undefined || !secret) return { delivered: 0, more: false }
  const settled = await settleLog(reads)
  const scope: AuditScope = organization_id ? { of: 'organization', id: organization_id } : { of: 'everything' }
  const waiting = await listWaiting(reads, id, MOST_WAITING)
  const range = { after, until: settled, limit: BATCH }
  const fresh = waiting.length < MOST_WAITING ? await eventsToSend(reads, scope, settings.types, range) : []
  const streams = [...Map.groupBy([...waiting, ...fresh], ({ stream_id }) => stream_id).values()]
  const turn: Turn = { delivered: 0, failedInARow: 0, gone: false, outcomes: [] }
  const to = { url: settings.url, secret: openWebhookSecret(gateway, id, secret) }
  const worker = async () => {
    for (let events = streams.shift(); events; events = streams.shift())
      await deliverStream(gateway, to, events, turn, deadline)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const reached =
    waiting.length >= MOST_WAITING ? after : fresh.length < BATCH ? settled : (fresh.at(-1)?.position ?? after)
  const position = BigInt(reached) > BigInt(after) ? reached : after
  await recordTurn(reads, id, { position, outcomes: turn.outcomes, delivered: turn.delivered })
  if (turn.gone) await stopGone(gateway, id)
  return { delivered: turn.delivered, more: fresh.length > 0 && !turn.gone && turn.failedInARow < PATIENCE }
}

/** Runs turns until nothing new is left, including events that are committed in the meantime. */
async function catchUp(gateway: Gateway, row: WebhookRow, deadline: number): Promise<number> {
  let delivered = 0
  for (let more = true; more && performance.now() < deadline; ) {
    const turn = await takeTurn(gateway, row, deadline)
    delivered += turn.delivered
    more = turn.more
  }
  return delivered
}

async function stopGone(gateway: Gateway, id: string): Promise<void> {
  await commit(createCall(gateway), async (work) => {
    work.actor = { type: 'system', id: 'webhooks' }
    const stream = await work.load(webhook, id, {})
    stream.decide((state) => stopWebhook(state, 'it answered 410 Gone'))
  })
}

/**
 * Delivers new events to every webhook: in the order of each stream, at least once, and only settled events. Any number of instances may
 * run this concurrently; the next run continues where this one stops.
 * @returns how many deliveries were accepted
 */
export async function deliverWebhooks(gateway: Gateway): Promise<number> {
  const deadline = performance.now() + BUDGET_MS
  await forgetRemovedWebhooks(gateway.reads)
  const active = (await listWebhooks(gateway.reads)).filter(({ status }) => status === 'active')
  const delivered = await Promise.all(
    active.map((row) =>
      catchUp(gateway, row, deadline).catch((error: unknown) => {
        log.error('delivery to a webhook failed', { webhook: row.id, error })
        return 0
      }),
    ),
  )
  return delivered.reduce((sum, one) => sum + one, 0)
}
