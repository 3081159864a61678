import { isHttps } from '../config.ts'
import { createSigner } from '../delivery/sign.ts'
import type { Gateway } from '../gateway.ts'
import { GuardedFetchError, guardedFetch } from '../http/guarded-fetch.ts'
import type { AuditRow } from '../queries/audit-events.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'
import { toAuditEvent } from './event-view.ts'

const TIMEOUT_MS = 8000
const MAX_BYTES = 64 * 1024

export const sealWebhookSecret = ({ derive }: Gateway, id: string, secret: string) =>
  sealBytes(derive('webhook-secret'), Buffer.from(secret), id)

export const openWebhookSecret = ({ derive }: Gateway, id: string, sealed: Uint8Array) =>
  openBytes(derive('webhook-secret'), sealed, id).toString()

/** What is told of an event: nothing personal, opened or sealed, nor where it came from. */
function messageOf(gateway: Gateway, row: AuditRow): string {
  const { personal: _personal, origin: _origin, ...data } = toAuditEvent(gateway.personal, row, 'operator')
  return JSON.stringify({ type: row.event_type, timestamp: row.recorded_at.toISOString(), data })
}

/** Undefined when it was taken. `gone` says that nothing more is wanted there. */
export type Failure = { failure: string; gone?: boolean } | undefined

/**
 * Tells a webhook of one event (Standard Webhooks). The id of the message is that of the event, so that whoever gets it twice can tell.
 * @see https://www.standardwebhooks.com
 */
export async function tell(
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
