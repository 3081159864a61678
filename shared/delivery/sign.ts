import { createHmac, randomBytes } from 'node:crypto'

/** Generates a secret in the format of Standard Webhooks. */
export const newWebhookSecret = () => `whsec_${randomBytes(32).toString('base64')}`

/**
 * Creates the Standard Webhooks headers of a message, one set per attempt. The id stays the same; the timestamp increases by at
 * least a second, because the receiver refuses a repeated signature.
 * @throws Error unless each secret (separated by `|`) is `whsec_<base64>` of at least 24 bytes, optionally with Supabase's prefix `v1,`
 */
export function createSigner(secret: string, now: () => Date) {
  const keys = secret.split('|').map(parseSecret)
  return (id: string, body: string) => {
    let last = 0
    return (): Record<string, string> => {
      last = Math.max(Math.floor(now().getTime() / 1000), last + 1)
      return {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(last),
        'webhook-signature': keys.map((key) => signature(key, `${id}.${last}.${body}`)).join(' '),
      }
    }
  }
}

/** @see https://www.standardwebhooks.com. Its package is not used for signing: it bundles its own SHA-256 and base64. */
const signature = (key: Buffer, signed: string) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`

function parseSecret(secret: string): Buffer {
  const encoded = /^(?:v1,)?whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1]
  const key = Buffer.from(encoded ?? '', 'base64')
  if (key.length < 24) throw new Error('malformed webhook secret')
  return key
}
