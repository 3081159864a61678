import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { DeliveryStatus } from '../domain/message.ts'

const provider = 'twilio'

/**
 * X-Twilio-Signature: HMAC-SHA1 under the auth token over the configured callback URL, followed by the names and values of the
 * form, sorted by name (twilio.com/docs/usage/security).
 */
export function twilioSignature(token: string, url: string, fields: URLSearchParams): string {
  const names = [...new Set(fields.keys())].sort()
  const text = names.flatMap((name) => [...new Set(fields.getAll(name))].sort().map((value) => name + value))
  return createHmac('sha1', token)
    .update(url + text.join(''))
    .digest('base64')
}

/** @param tokens the auth token; several separated by `|` during a rotation */
export function isFromTwilio(tokens: string, url: string, fields: URLSearchParams, signature: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const given = digest(signature)
  const matches = tokens
    .split('|')
    .map((token) => timingSafeEqual(digest(twilioSignature(token.trim(), url, fields)), given))
  return matches.includes(true)
}

/** The number does not exist, or is not a reachable mobile number. */
const PERMANENT = new Set(['30005', '30006'])
/** The recipient replied STOP. */
const OPTED_OUT = '21610'

/** The delivery status in a status callback; undefined for intermediate statuses. */
export function readTwilioStatus(fields: URLSearchParams): DeliveryStatus | undefined {
  const code = fields.get('ErrorCode') ?? ''
  switch (fields.get('MessageStatus')) {
    case 'delivered':
    case 'read':
      return { kind: 'delivered', provider }
    case 'undelivered':
    case 'failed':
      if (code === OPTED_OUT) return { kind: 'complained', provider }
      return {
        ...{ kind: 'bounced', provider, permanent: PERMANENT.has(code) },
        ...(/^\d{1,6}$/.test(code) && { reason: `twilio_${code}` }),
      }
    default:
      return undefined
  }
}
