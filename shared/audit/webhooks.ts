import { commitAsOperator, type Operator } from '../access/operator.ts'
import type { Call } from '../call.ts'
import { isHttps } from '../config.ts'
import { newWebhookSecret } from '../delivery/sign.ts'
import {
  addWebhook,
  changeWebhook,
  replaceWebhookSecret,
  type Webhook,
  type WebhookEvent,
  type WebhookSettings,
  webhook,
} from '../domain/webhook.ts'
import { GatewayError } from '../errors.ts'
import type { Decision } from '../events/types.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import { listWebhooks, type WebhookRow } from '../queries/webhooks.ts'
import { openWebhookSecret, sealWebhookSecret } from './webhook-message.ts'

const MOST_WEBHOOKS = 50

/** Checks for an https address, or a local one if the gateway runs on loopback. @throws GatewayError invalid_request */
function checkUrl({ config }: Gateway, url: string): void {
  const local = !isHttps(config) && /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url)
  if (!URL.canParse(url) || !(url.startsWith('https://') || local) || new URL(url).username)
    throw new GatewayError('invalid_request', { details: { url: ['must be an https address'] } })
}

/** Returns a webhook that the operator administers. @throws GatewayError not_found */
export async function operatedWebhook(
  { reads }: Gateway,
  { organizationId }: Operator,
  id: string,
): Promise<WebhookRow> {
  const [row] = await listWebhooks(reads, organizationId, id)
  if (!row) throw new GatewayError('not_found')
  return row
}

/**
 * Adds a webhook; one for all organizations requires an operator of all organizations. Only this response has the secret.
 * @throws GatewayError access_denied, invalid_request
 */
export async function registerWebhook(
  call: Call,
  operator: Operator,
  { settings, everything, reason }: { settings: WebhookSettings; everything: boolean; reason: string },
): Promise<{ id: string; secret: string }> {
  const { gateway } = call
  checkUrl(gateway, settings.url)
  if (everything && operator.organizationId !== undefined) throw new GatewayError('access_denied')
  const organizationId = everything ? undefined : operator.principal.person.organizationId
  const [id, secret] = [newId(), newWebhookSecret()]
  await commitAsOperator(call, operator, async (work) => {
    if ((await listWebhooks(gateway.reads, organizationId)).length >= MOST_WEBHOOKS)
      throw new GatewayError('invalid_request', { description: `There are already ${MOST_WEBHOOKS} webhooks.` })
    const sealed = sealWebhookSecret(gateway, id, secret)
    work.start(webhook, id, {}).decide(() => addWebhook({ settings, organizationId, reason }, sealed))
  })
  return { id, secret }
}

/** Changes a webhook that the operator administers. @throws GatewayError not_found, invalid_request */
export async function decideWebhook(
  call: Call,
  operator: Operator,
  id: string,
  decision: (state: Webhook) => Decision<WebhookEvent>,
): Promise<void> {
  await operatedWebhook(call.gateway, operator, id)
  await commitAsOperator(call, operator, async (work) => {
    const stream = await work.load(webhook, id, {})
    stream.decide(decision)
  })
}

/** Changes the settings of a webhook. @throws GatewayError not_found, invalid_request */
export async function changeWebhookSettings(
  call: Call,
  operator: Operator,
  id: string,
  change: { settings: WebhookSettings; reason: string },
): Promise<void> {
  checkUrl(call.gateway, change.settings.url)
  await decideWebhook(call, operator, id, (state) => changeWebhook(state, change))
}

/**
 * Rotates the secret. Messages are signed with both secrets until the next rotation, so that receivers can switch.
 * @returns the new secret, which only this response has
 */
export async function renewWebhookSecret(call: Call, operator: Operator, id: string, reason: string): Promise<string> {
  const { gateway } = call
  const row = await operatedWebhook(gateway, operator, id)
  const secret = newWebhookSecret()
  const older = row.secret ? openWebhookSecret(gateway, id, row.secret).split('|')[0] : undefined
  const both = sealWebhookSecret(gateway, id, [secret, older].filter(Boolean).join('|'))
  await decideWebhook(call, operator, id, (state) => replaceWebhookSecret(state, both, reason))
  return secret
}
