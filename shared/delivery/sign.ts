import { createHmac, randomBytes } from 'node:crypto'

/** A secret as the libraries of Standard Webhooks take it. */
export const newWebhookSecret = () => `whsec_${randomBytes(32).toString('base64')}`

/**
 * Makes the headers of Standard Webhooks for a message, one set per attempt.
 * The id stays; the timestamp moves on by a second at least, because the receiver refuses the same signature twice.
 * @throws Error when the secret is not `whsec_<base64>`, with or without Supabase's `v1,` before it (several separated by `|`), of 24 bytes or more
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

/** @see https://www.standardwebhooks.com, whose package is for who checks: it brings a SHA-256 and a base64 of its own. */
const signature = (key: Buffer, signed: string) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`

function parseSecret(secret: string): Buffer {
  const encoded = /^(?:v1,)?whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1]
  const key = Buffer.from(encoded ?? '', 'base64')
  if (key.length < 24) throw new Error('malformed webhook secret')
  return key
}
