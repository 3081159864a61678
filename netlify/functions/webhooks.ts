import * as z from 'zod/mini'
import { operator } from '../../shared/access/authorities.ts'
import type { Operator } from '../../shared/access/operator.ts'
import { operatedWebhook, registerWebhook, renewWebhookSecret, updateWebhook } from '../../shared/audit/webhooks.ts'
import type { WebhookSettings } from '../../shared/domain/webhook.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { listUndelivered, listWebhooks, retryDead, type WebhookRow } from '../../shared/queries/webhooks.ts'

const BASE = '/v1/webhooks'
const app = createApp('api', { tag: 'Outgoing webhooks' })

const reason = once(() => z.string().check(z.trim(), z.minLength(3), z.maxLength(200)))
const position = once(() => z.string().check(z.regex(/^\d{1,18}$/)))
const settings = once(() => ({
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(100)),
  url: z.string().check(z.maxLength(2000)),
  types: z._default(z.array(z.string().check(z.regex(/^[A-Z]\w{1,99}$/))).check(z.maxLength(100)), []),
}))
const newWebhook = once(() =>
  z.object({
    ...settings(),
    scope: z._default(z.enum(['organization', 'everything']), 'organization'),
    reason: reason(),
  }),
)
const webhookChange = once(() =>
  z.object({
    name: z.optional(settings().name),
    url: z.optional(settings().url),
    types: z.optional(z.array(z.string().check(z.regex(/^[A-Z]\w{1,99}$/))).check(z.maxLength(100))),
    status: z.optional(z.enum(['active', 'stopped'])),
    reason: reason(),
  }),
)
const because = once(() => z.object({ reason: reason() }))
const replay = once(() => z.object({ after: position(), reason: reason() }))
const deliveriesQuery = once(() =>
  z.object({
    status: z._default(z.enum(['dead', 'waiting']), 'dead'),
    cursor: z.prefault(position(), '0'),
    limit: z.prefault(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(200)), 50),
  }),
)
const retry = once(() => z.object({ position: z.optional(position()), reason: reason() }))

const shown = ({ id, settings, organization_id, status, status_reason, added_at, ...row }: WebhookRow) => ({
  id,
  ...settings,
  organization_id,
  status,
  status_reason,
  added_at,
  told: Number(row.told),
  last_told_at: row.last_told_at,
  waiting: row.waiting,
  dead: row.dead,
  behind: Number(row.behind),
})

function idOf(c: AppContext): string {
  const id = z.uuid().safeParse(c.req.param('id'))
  if (!id.success) throw new GatewayError('not_found')
  return id.data
}

const answer = async (c: AppContext, operator: Operator, id: string, more: object = {}, status: 200 | 201 = 200) =>
  c.json({ ...shown(await operatedWebhook(gateway(), operator, id)), ...more }, status)

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

/** The webhooks that the operator answers for, and how far each is. */
app.route('GET', BASE, {
  authority: operator(),
  operation: {
    summary: 'Those the operator answers for',
    answers: { 200: () => z.object({ webhooks: z.array(webhook()) }) },
  },
})(async (c, { organizationId }) => {
  return c.json({ webhooks: (await listWebhooks(gateway().reads, organizationId)).map(shown) })
})

/** Adds one; its secret is told this once. */
app.route('POST', BASE, {
  authority: operator(),
  operation: { summary: 'Adds one', body: newWebhook, answers: { 201: webhook } },
})(async (c, operator) => {
  const { scope, reason: why, ...given } = await readBody(c, newWebhook())
  const made = { settings: given, everything: scope === 'everything', reason: why }
  const { id, secret } = await registerWebhook(c.var.call, operator, made)
  return answer(c, operator, id, { secret }, 201)
})

app.route('GET', `${BASE}/:id`, {
  authority: operator(),
  operation: { summary: 'One, and how far it is', answers: { 200: webhook } },
})(async (c, operator) => answer(c, operator, idOf(c)))

app.route('PATCH', `${BASE}/:id`, {
  authority: operator(),
  operation: { summary: 'Changes, stops or starts it', body: webhookChange, answers: { 200: webhook } },
})(async (c, operator) => {
  const id = idOf(c)
  const { status, reason: why, ...given } = await readBody(c, webhookChange())
  const row = await operatedWebhook(gateway(), operator, id)
  const settings: WebhookSettings = { ...row.settings, ...given }
  if (Object.keys(given).length > 0)
    await updateWebhook(c.var.call, operator, id, { change: 'settings', settings, reason: why })
  if (status) {
    const change = status === 'active' ? 'start' : 'stop'
    await updateWebhook(c.var.call, operator, id, { change, reason: why })
  }
  return answer(c, operator, id)
})

app.route('DELETE', `${BASE}/:id`, {
  authority: operator(),
  operation: { summary: 'Removes it', body: because, answers: { 200: () => z.object({ success: z.literal(true) }) } },
})(async (c, operator) => {
  const { reason: why } = await readBody(c, because())
  await updateWebhook(c.var.call, operator, idOf(c), { change: 'remove', reason: why })
  return c.json({ success: true })
})

/** A new secret, told this once; the one before signs too, until the next time. */
app.route('POST', `${BASE}/:id/secret`, {
  authority: operator(),
  operation: {
    summary: 'A new secret; the one before signs too, until the next time',
    body: because,
    answers: { 200: () => z.object({ secret: z.string() }) },
  },
})(async (c, operator) => {
  const { reason: why } = await readBody(c, because())
  return c.json({ secret: await renewWebhookSecret(c.var.call, operator, idOf(c), why) })
})

/** Tells everything after a position once more. */
app.route('POST', `${BASE}/:id/replay`, {
  authority: operator(),
  operation: { summary: 'Tells everything after a position once more', body: replay, answers: { 200: webhook } },
})(async (c, operator) => {
  const { after, reason: why } = await readBody(c, replay())
  const id = idOf(c)
  await updateWebhook(c.var.call, operator, id, { change: 'replay', after, reason: why })
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

/** What it did not take: dead letters, or what will be tried again. */
app.route('GET', `${BASE}/:id/deliveries`, {
  authority: operator(),
  operation: {
    summary: 'What it did not take',
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

/** Tries dead letters again: one, or all. */
app.route('POST', `${BASE}/:id/deliveries/retry`, {
  authority: operator(),
  operation: {
    summary: 'Tries dead letters again',
    body: retry,
    answers: { 200: () => z.object({ retried: z.number() }) },
  },
})(async (c, operator) => {
  const id = idOf(c)
  const { position: one, reason: why } = await readBody(c, retry())
  await updateWebhook(c.var.call, operator, id, { change: 'retry', position: one, reason: why })
  return c.json({ retried: await retryDead(gateway().reads, id, one) })
})

export default serve(app)
