import { Resend } from 'resend'
import { type Env, misconfigured, required } from './env.ts'
import { Refusal } from './http.ts'
import { providerUrl } from './provider-url.ts'
import type { Sent } from './sent.ts'

const RESEND_API = 'https://api.resend.com'
const QUOTA_RETRY_SECONDS = 3_600

export interface Email {
  /** Stays the same for every attempt at one message: the provider sends one mail for it. */
  id: string
  to: string
  subject: string
  text: string
  html: string
  category: string
}

interface ProviderError {
  name?: unknown
  message?: unknown
  statusCode?: unknown
}

/**
 * Hands one mail to Resend and answers with who took it.
 * Refuses with 422 (this recipient: final), 409 (id reused for another mail), 429 and 503 (later), 500 (set-up).
 */
export async function sendEmail(env: Env, email: Email, signal: AbortSignal): Promise<Sent> {
  const client = new Resend(required(env, 'RESEND_API_KEY'), {
    baseUrl: providerUrl(env, 'RESEND_BASE_URL', RESEND_API),
  })
  const { data, error, headers } = await client.emails.send(
    {
      from: required(env, 'OTP_EMAIL_FROM'),
      to: email.to,
      subject: email.subject,
      text: email.text,
      html: email.html,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': email.id },
      // Comes back with the provider's news of this mail.
      tags: [
        { name: 'category', value: email.category },
        { name: 'message_id', value: email.id.replace(/[^\w-]/g, '_') },
      ],
    },
    { idempotencyKey: email.id, signal },
  )
  if (signal.aborted) throw later(503, 'provider_timeout', 1, 'timeout')
  if (error) throw refusalFor(error, Number.parseInt(headers?.['retry-after'] ?? '', 10))
  if (typeof data?.id !== 'string' || data.id === '') throw later(503, 'provider_unavailable', 1, 'no id in the answer')
  return { provider: 'resend', id: data.id }
}

function refusalFor(error: ProviderError, retryAfter: number): Refusal {
  const status = typeof error.statusCode === 'number' ? error.statusCode : 503
  const name = /^[a-z_]{1,60}$/.exec(String(error.name))?.[0] ?? 'unknown'
  const wait = retryAfter >= 0 ? Math.min(Math.max(retryAfter, 1), 86_400) : undefined
  const detail = `${name} ${status}`
  if (status >= 500) return later(503, 'provider_unavailable', wait ?? 1, detail)
  if (name === 'concurrent_idempotent_requests') return later(503, 'provider_busy', wait ?? 1, detail)
  if (name.endsWith('_quota_exceeded'))
    return later(429, 'provider_quota_exceeded', wait ?? QUOTA_RETRY_SECONDS, detail)
  if (status === 429) return later(429, 'provider_rate_limited', wait ?? 1, detail)
  if (status === 409) {
    return new Refusal(409, 'message_id_reused', 'This message id was used for another message.', { detail })
  }
  const aboutRecipient = name === 'validation_error' && /`to`/.test(String(error.message))
  if (aboutRecipient && (status === 400 || status === 422)) {
    return new Refusal(422, 'recipient_refused', 'The mail provider refuses this recipient.', { detail })
  }
  return misconfigured(detail)
}

function later(status: 429 | 503, code: string, retryAfter: number, detail: string): Refusal {
  return new Refusal(status, code, 'The mail provider cannot take the message right now.', { retryAfter, detail })
}
