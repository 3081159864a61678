import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

export type WebhookSettings = {
  name: string
  url: string
  /** Event types that it receives; empty means all. */
  types: string[]
}

type Secrets = { name: 'signing_secret'; sealed: Uint8Array }[]

export type WebhookEvent =
  /** Without an organization, it receives the events of all organizations. */
  | {
      type: 'WebhookAdded'
      data: { settings: WebhookSettings; organizationId?: string; reason: string }
      secrets: Secrets
    }
  | { type: 'WebhookChanged'; data: { settings: WebhookSettings; reason: string } }
  | { type: 'WebhookSecretReplaced'; data: { reason: string }; secrets: Secrets }
  /** Events after a position are sent again. */
  | { type: 'WebhookReplayed'; data: { after: string; reason: string } }
  /** Dead letters are retried: one event, or all. */
  | { type: 'WebhookRetried'; data: { position?: string; reason: string } }
  | { type: 'WebhookStopped'; data: { reason: string } }
  | { type: 'WebhookStarted'; data: { reason: string } }
  | { type: 'WebhookRemoved'; data: { reason: string } }

export type Webhook = { status: 'none' | 'active' | 'stopped' | 'removed' }

/** An external URL that receives events, in order per stream. */
export const webhook: Aggregate<Webhook, WebhookEvent> = {
  type: 'webhook',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'WebhookAdded':
      case 'WebhookStarted':
        return { status: 'active' }
      case 'WebhookStopped':
        return { status: 'stopped' }
      case 'WebhookRemoved':
        return { status: 'removed' }
      case 'WebhookChanged':
      case 'WebhookSecretReplaced':
      case 'WebhookReplayed':
      case 'WebhookRetried':
        return state
    }
  },
}

const secrets = (sealed: Uint8Array): Secrets => [{ name: 'signing_secret', sealed }]

export function addWebhook(
  input: { settings: WebhookSettings; organizationId?: string; reason: string },
  secret: Uint8Array,
): Decision<WebhookEvent> {
  return record({ type: 'WebhookAdded', data: input, secrets: secrets(secret) })
}

const whileThere = (state: Webhook, event: WebhookEvent): Decision<WebhookEvent> =>
  state.status === 'active' || state.status === 'stopped' ? record(event) : refuse('not_found')

export const changeWebhook = (state: Webhook, data: { settings: WebhookSettings; reason: string }) =>
  whileThere(state, { type: 'WebhookChanged', data })

export const replaceWebhookSecret = (state: Webhook, secret: Uint8Array, reason: string) =>
  whileThere(state, { type: 'WebhookSecretReplaced', data: { reason }, secrets: secrets(secret) })

export const replayWebhook = (state: Webhook, data: { after: string; reason: string }) =>
  whileThere(state, { type: 'WebhookReplayed', data })

export const retryWebhook = (state: Webhook, data: { position?: string; reason: string }) =>
  whileThere(state, { type: 'WebhookRetried', data })

export const removeWebhook = (state: Webhook, reason: string) =>
  whileThere(state, { type: 'WebhookRemoved', data: { reason } })

/** Stops a webhook; the gateway does so itself when the receiver responds 410. */
export function stopWebhook(state: Webhook, reason: string): Decision<WebhookEvent> {
  if (state.status === 'stopped') return { events: [] }
  return whileThere(state, { type: 'WebhookStopped', data: { reason } })
}

export function startWebhook(state: Webhook, reason: string): Decision<WebhookEvent> {
  if (state.status === 'active') return { events: [] }
  return whileThere(state, { type: 'WebhookStarted', data: { reason } })
}
