import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

export const secret = (letter: string) => `v1,whsec_${Buffer.from(letter.repeat(32)).toString('base64')}`

export const otpEmail = {
  type: 'otp.email',
  to: 'ada@example.com',
  code: '482913',
  expires_in: 600,
  origin: 'auth.lanonasis.com',
}

export interface SignedRequest {
  headers: Record<string, string>
  body: string
}

/** A request as the gateway makes it. `ageSeconds` moves its timestamp back, negative values into the future. */
export function signed(
  payload: unknown,
  options: { secrets: string[]; id?: string; ageSeconds?: number; separator?: string },
): SignedRequest {
  const { id = randomUUID(), ageSeconds = 0, separator = ' ' } = options
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const at = new Date((Math.floor(Date.now() / 1000) - ageSeconds) * 1000)
  const signatures = options.secrets.map((one) => new Webhook(one.replace('v1,', '')).sign(id, at, body))
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(at.getTime() / 1000),
      'webhook-signature': signatures.join(separator),
    },
    body,
  }
}

export interface Answer {
  status: number
  headers: Headers
  body: { id?: string; provider?: string; error?: { http_code: number; code: string; message: string } }
}

/** Posts to a function. */
export async function post(
  functionsUrl: string,
  request: Omit<RequestInit, 'method'>,
  name = 'send-otp-email',
): Promise<Answer> {
  const response = await fetch(`${functionsUrl}/${name}`, { method: 'POST', ...request })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] }
}
