import * as z from 'zod/mini'
import { operator } from '../../shared/access/authorities.ts'
import type { Operator } from '../../shared/access/operator.ts'
import {
  changeWebhookSettings,
  decideWebhook,
  operatedWebhook,
  registerWebhook,
  renewWebhookSecret,
} from '../../shared/audit/webhooks.ts'
import {
  removeWebhook,
  replayWebhook,
  retryWebhook,
  startWebhook,
  stopWebhook,
  type WebhookSettings,
} from '../../shared/domain/webhook.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { listUndelivered, listWebhooks, retryDead, type WebhookRow } from '../../shared/queries/webhooks.ts'
import { pageSize, position, requireUuid, typedReason } from '../../shared/typed/fields.ts'

const BASE = '/v1/webhooks'
const app = createApp('api', { tag: 'Outgoing webhooks' })

const types = () => z.array(z.string().check(z.regex(/^[A-Z]\w{1,99}$/))).check(z.maxLength(100))
const settings = once(() => ({
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(100)),
  url: z.string().check(z.maxLength(2000)),
  types: z._default(types(), []),
}))
const newWebhook = once(() =>
  z.object({
    ...settings(),
    scope: z._default(z.enum(['organization', 'everything']), 'organization'),
    reason: typedReason(),
  }),
)
const webhookChange = once(() =>
  z.object({
    name: z.optional(settings().name),
    url: z.optional(settings().url),
    types: z.optional(types()),
    status: z.optional(z.enum(['active', 'stopped'])),
    reason: typedReason(),
  }),
)
const because = once(() => z.object({ reason: typedReason() }))
const replay = once(() => z.object({ after: position(), reason: typedReason() }))
const deliveriesQuery = once(() =>
  z.object({
    status: z._default(z.enum(['dead', 'waiting']), 'dead'),
    cursor: z.prefault(position(), '0'),
    limit: pageSize(200, 50),
  }),
)
const retry = once(() => z.object({ position: z.optional(position()), reason: typedReason() }))

const shown = ({ id, settings, organization_id, status, status_reason, added_at, ...row }: WebhookRow) => ({
  id,
  ...settings,
  organization_id,
  status,
  status_reason,
  added_at,
  told: Number(row.delivered),
  last_told_at: row.last_delivered_at,
  waiting: row.waiting,
  dead: row.dead,
  behind: Number(row.behind),
})

const idOf = (c: AppContext) => requireUuid(c.req.param('id'))

const answer = async (c: AppContext, operator: Operator, id: string, more: object = {}, status: 200 | 201 = 200) =>
  c.json({ ...shown(await operatedWebhook(gateway(), operator, id)), ...more }, status)

const ended = () => z.object({ success: z.literal(true) })
const webhook = () =>
  z.looseObject({
    id: z.uuid(),
    name: z.string(),
    url: z.string(),
    types: z.array(z.string()),
    status: z.enum(['active', 'stopped']),
    waiting: z.number(),
    dead: z.number(),
    behind: z.number(),
  })

app.route('GET', BASE, {
  authority: operator(),
  operation: {
    summary: 'Lists the webhooks that the operator administers',
    answers: { 200: () => z.object({ webhooks: z.array(webhook()) }) },
  },
})(async (c, { organizationId }) => {
  return c.json({ webhooks: (await listWebhooks(gateway().reads, organizationId)).map(shown) })
})

/** Adds a webhook; its secret is returned only once. */
app.route('POST', BASE, {
  authority: operator(),
  operation: { summary: 'Adds a webhook', body: newWebhook, answers: { 201: webhook } },
})(async (c, operator) => {
  const { scope, reason, ...given } = await readBody(c, newWebhook())
  const made = { settings: given, everything: scope === 'everything', reason }
  const { id, secret } = await registerWebhook(c.var.call, operator, made)
  return answer(c, operator, id, { secret }, 201)
})

app.route('GET', `${BASE}/:id`, {
  authority: operator(),
  operation: { summary: 'Returns a webhook and its lag', answers: { 200: webhook } },
})(async (c, operator) => answer(c, operator, idOf(c)))

app.route('PATCH', `${BASE}/:id`, {
  authority: operator(),
  operation: { summary: 'Updates, stops or starts a webhook', body: webhookChange, answers: { 200: webhook } },
})(async (c, operator) => {
  const id = idOf(c)
  const { status, reason, ...given } = await readBody(c, webhookChange())
  const row = await operatedWebhook(gateway(), operator, id)
  const settings: WebhookSettings = { ...row.settings, ...given }
  if (Object.keys(given).length > 0) await changeWebhookSettings(c.var.call, operator, id, { settings, reason })
  const decision = status === 'stopped' ? stopWebhook : startWebhook
  if (status) await decideWebhook(c.var.call, operator, id, (state) => decision(state, reason))
  return answer(c, operator, id)
})

app.route('DELETE', `${BASE}/:id`, {
  authority: operator(),
  operation: {
    summary: 'Removes a webhook',
    body: because,
    answers: { 200: ended },
  },
})(async (c, operator) => {
  const { reason } = await readBody(c, because())
  await decideWebhook(c.var.call, operator, idOf(c), (state) => removeWebhook(state, reason))
  return c.json({ success: true })
})

/** Rotates the secret, which is returned only once; the previous one also signs until the next rotation. */
app.route('POST', `${BASE}/:id/secret`, {
  authority: operator(),
  operation: {
    summary: 'Rotates the secret; the previous one also signs until the next rotation',
    body: because,
    answers: { 200: () => z.object({ secret: z.string() }) },
  },
})(async (c, operator) => {
  const { reason } = await readBody(c, because())
  return c.json({ secret: await renewWebhookSecret(c.var.call, operator, idOf(c), reason) })
})

app.route('POST', `${BASE}/:id/replay`, {
  authority: operator(),
  operation: { summary: 'Delivers all events after a position again', body: replay, answers: { 200: webhook } },
})(async (c, operator) => {
  const given = await readBody(c, replay())
  const id = idOf(c)
  await decideWebhook(c.var.call, operator, id, (state) => replayWebhook(state, given))
  return answer(c, operator, id)
})

const delivery = () =>
  z.object({
    position: z.number(),
    event_id: z.uuid(),
    type: z.string(),
    stream_id: z.uuid(),
    status: z.enum(['waiting', 'dead']),
    attempts: z.number(),
    next_at: z.iso.datetime(),
    failure: z.nullable(z.string()),
    failed_at: z.iso.datetime(),
  })

/** Lists undelivered events: dead letters, or those waiting for a retry. */
app.route('GET', `${BASE}/:id/deliveries`, {
  authority: operator(),
  operation: {
    summary: 'Lists undelivered events',
    query: deliveriesQuery,
    answers: { 200: () => z.object({ deliveries: z.array(delivery()), next_cursor: z.nullable(z.string()) }) },
  },
})(async (c, operator) => {
  const { id } = await operatedWebhook(gateway(), operator, idOf(c))
  const { status, cursor, limit } = readQuery(c, deliveriesQuery())
  const rows = await listUndelivered(gateway().reads, id, { status, after: cursor, limit })
  return c.json({
    deliveries: rows.map((row) => ({ ...row, position: Number(row.position) })),
    next_cursor: rows.length < limit ? null : (rows.at(-1)?.position ?? null),
  })
})

/** Retries one dead letter, or all. */
app.route('POST', `${BASE}/:id/deliveries/retry`, {
  authority: operator(),
  operation: {
    summary: 'Retries dead letters',
    body: retry,
    answers: { 200: () => z.object({ retried: z.number() }) },
  },
})(async (c, operator) => {
  const id = idOf(c)
  const given = await readBody(c, retry())
  await decideWebhook(c.var.call, operator, id, (state) => retryWebhook(state, given))
  return c.json({ retried: await retryDead(gateway().reads, id, given.position) })
})

export default serve(app)
