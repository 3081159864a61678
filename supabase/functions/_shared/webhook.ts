import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { misconfigured } from './env.ts'
import { Refusal } from './http.ts'

const TOLERANCE_SECONDS = 5 * 60
const CLOCK_SLACK_SECONDS = 60
const MIN_SECRET_BYTES = 24

export interface VerifiedWebhook {
  /** The sender's message id: the same for every attempt to send one message. */
  id: string
  /** Identifies this signed request, whichever of the accepted secrets or signatures it has. */
  fingerprint: Uint8Array
  /** From then on the timestamp check alone refuses the request. */
  staleAt: Date
}

/**
 * Parses the secrets in a setting of the form `v1,whsec_<base64>`, several separated by `|` during a rotation.
 * @throws Refusal 500 that names a malformed setting
 */
export function parseSecrets(setting: string, name: string): Webhook[] {
  return setting.split('|').map((secret) => {
    const encoded = /^v1,whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1]
    if (!encoded || decodedLength(encoded) < MIN_SECRET_BYTES) throw misconfigured(`${name} is malformed`)
    return new Webhook(encoded)
  })
}

/**
 * Checks a Standard Webhooks signature over the raw body, before the body is parsed.
 * @throws Refusal 401 when no accepted secret made the signature or the timestamp is more than five minutes off
 */
export function verifyWebhook(secrets: Webhook[], headers: Headers, body: string): VerifiedWebhook {
  const id = headers.get('webhook-id') ?? ''
  const timestamp = headers.get('webhook-timestamp') ?? ''
  if (!/^[\w.:-]{1,200}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) throw rejected('headers missing or malformed')

  const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures(headers) }
  const reasons = secrets.map((secret) => refusalBy(secret, body, signed))
  if (reasons.every((reason) => reason !== undefined)) throw rejected(reasons[0] ?? 'no secret')

  const seconds = Number(timestamp)
  const canonical = secrets[0]?.sign(id, new Date(seconds * 1000), body) ?? ''
  return {
    id,
    fingerprint: Uint8Array.from(atob(canonical.slice('v1,'.length)), (char) => char.charCodeAt(0)),
    staleAt: new Date((seconds + TOLERANCE_SECONDS + CLOCK_SLACK_SECONDS) * 1000),
  }
}

function signatures(headers: Headers): string {
  return (headers.get('webhook-signature') ?? '').replaceAll(', ', ' ')
}

function refusalBy(secret: Webhook, body: string, signed: Record<string, string>): string | undefined {
  try {
    secret.verify(body, signed, { jsonParse: false })
    return undefined
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message
    throw error
  }
}

function rejected(detail: string): Refusal {
  const stale = /timestamp too (old|new)/.test(detail)
  return stale
    ? new Refusal(401, 'timestamp_out_of_tolerance', 'The timestamp is more than five minutes off.', { detail })
    : new Refusal(401, 'signature_invalid', 'The webhook signature is missing or wrong.', { detail })
}

function decodedLength(base64: string): number {
  try {
    return atob(base64).length
  } catch {
    return 0
  }
}
