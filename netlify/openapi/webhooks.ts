import * as z from 'zod/mini'
import { because, deliveriesQuery, newWebhook, replay, retry, webhookChange } from '../functions/webhooks.ts'
import type { Family } from './operation.ts'

const webhook = z.looseObject({
  id: z.uuid(),
  name: z.string(),
  url: z.string(),
  types: z.array(z.string()),
  status: z.enum(['active', 'stopped']),
  waiting: z.number(),
  dead: z.number(),
  behind: z.number(),
})
const delivery = z.object({
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

export const webhooks: Family = {
  tag: 'Outgoing webhooks',
  description: 'Places that are told what happens, signed as Standard Webhooks has it. For operators.',
  dialect: 'api',
  operations: {
    'GET /v1/webhooks': {
      summary: 'Those the operator answers for',
      answers: { 200: z.object({ webhooks: z.array(webhook) }) },
    },
    'POST /v1/webhooks': { summary: 'Adds one', body: newWebhook(), answers: { 201: webhook } },
    'GET /v1/webhooks/:id': { summary: 'One, and how far it is', answers: { 200: webhook } },
    'PATCH /v1/webhooks/:id': {
      summary: 'Changes, stops or starts it',
      body: webhookChange(),
      answers: { 200: webhook },
    },
    'DELETE /v1/webhooks/:id': {
      summary: 'Removes it',
      body: because(),
      answers: { 200: z.object({ success: z.literal(true) }) },
    },
    'POST /v1/webhooks/:id/secret': {
      summary: 'A new secret; the one before signs too, until the next time',
      body: because(),
      answers: { 200: z.object({ secret: z.string() }) },
    },
    'POST /v1/webhooks/:id/replay': {
      summary: 'Tells everything after a position once more',
      body: replay(),
      answers: { 200: webhook },
    },
    'GET /v1/webhooks/:id/deliveries': {
      summary: 'What it did not take',
      query: deliveriesQuery(),
      answers: { 200: z.object({ deliveries: z.array(delivery), next_cursor: z.nullable(z.string()) }) },
    },
    'POST /v1/webhooks/:id/deliveries/retry': {
      summary: 'Tries dead letters again',
      body: retry(),
      answers: { 200: z.object({ retried: z.number() }) },
    },
  },
}
