import { isHttps } from '../config.ts'
import { createSigner } from '../delivery/sign.ts'
import type { Gateway } from '../gateway.ts'
import { GuardedFetchError, guardedFetch } from '../http/guarded-fetch.ts'
import type { AuditRow } from '../queries/audit-events.ts'
import { toAuditEvent } from './event-view.ts'

const TIMEOUT_MS = 8000
const MAX_BYTES = 64 * 1024

export const sealWebhookSecret = ({ ring }: Gateway, id: string, secret: string) =>
  ring.seal('webhook-secret', Buffer.from(secret), id)

export const openWebhookSecret = ({ ring }: Gateway, id: string, sealed: Uint8Array) =>
  ring.open('webhook-secret', sealed, id).toString()

/** The data of an event in a webhook: no personal values, encrypted or not, and no origin. */
function messageOf(gateway: Gateway, row: AuditRow): string {
  const { personal: _personal, origin: _origin, ...data } = toAuditEvent(gateway.personal, row, 'operator')
  return JSON.stringify({ type: row.event_type, timestamp: row.recorded_at.toISOString(), data })
}

/** Undefined if it was accepted. `gone` ends the subscription. */
export type Failure = { failure: string; gone?: boolean } | undefined

/**
 * Delivers an event to a webhook (Standard Webhooks). The message id is the event's id, so that receivers can drop duplicates.
 * @see https://www.standardwebhooks.com
 */
export async function deliverEvent(
  gateway: Gateway,
  { url, secret }: { url: string; secret: string },
  row: AuditRow,
): Promise<Failure> {
  const body = messageOf(gateway, row)
  const headers = createSigner(secret, gateway.now)(row.event_id, body)()
  try {
    const { status } = await guardedFetch(url, {
      method: 'POST',
      headers,
      body,
      accept: '*/*',
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      allowLoopback: !isHttps(gateway.config),
    })
    if (status >= 200 && status < 300) return undefined
    return { failure: `status_${status}`, gone: status === 410 }
  } catch (error) {
    const refused = error instanceof GuardedFetchError && error.kind === 'refused'
    return { failure: refused ? 'address_refused' : 'unreachable' }
  }
}
