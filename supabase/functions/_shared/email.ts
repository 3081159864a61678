import { Resend } from 'resend'
import { type Env, misconfigured, providerUrl, required } from './env.ts'
import { Refusal } from './http.ts'
import {
  configuredProviders,
  later,
  postJson,
  QUOTA_RETRY_SECONDS,
  recipientRefused,
  type Sent,
  sendByFirst,
} from './providers.ts'

const RESEND_API = 'https://api.resend.com'

export interface Email {
  /** The same for every attempt to send one message: the provider sends one mail for it. */
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
 * Sends one mail through the first provider that accepts it.
 * @param again returns whether this id was tried before
 * @returns the provider that accepted it
 * @throws Refusal 422 (final for this recipient), 409 (id reused for another mail), 429 and 503 (retry later), 500 (configuration)
 */
export async function sendEmail(
  env: Env,
  email: Email,
  again: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<Sent> {
  const providers = configuredProviders(env, 'EMAIL_PROVIDERS', 'resend', { resend: viaResend, postmark: viaPostmark })
  const before = providers.length > 1 && (await again())
  return sendByFirst(
    providers.map((send) => (time: AbortSignal) => send(env, email, time)),
    before,
    signal,
  )
}

async function viaResend(env: Env, email: Email, signal: AbortSignal): Promise<Sent> {
  const baseUrl = providerUrl(env, 'RESEND_BASE_URL', RESEND_API)
  const client = new Resend(required(env, 'RESEND_API_KEY'), { baseUrl })
  const { data, error, headers } = await client.emails.send(
    {
      from: required(env, 'OTP_EMAIL_FROM'),
      to: email.to,
      subject: email.subject,
      text: email.text,
      html: email.html,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': email.id },
      // The provider returns them in its delivery status webhooks.
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

/** postmarkapp.com/developer/api/email-api */
async function viaPostmark(env: Env, email: Email, signal: AbortSignal): Promise<Sent> {
  const url = `${providerUrl(env, 'POSTMARK_BASE_URL', 'https://api.postmarkapp.com')}/email`
  const { status, body } = await postJson(url, signal, {
    headers: { 'X-Postmark-Server-Token': required(env, 'POSTMARK_SERVER_TOKEN') },
    body: {
      From: required(env, 'OTP_EMAIL_FROM'),
      To: email.to,
      Subject: email.subject,
      TextBody: email.text,
      HtmlBody: email.html,
      Tag: email.category,
      MessageStream: 'outbound',
      Headers: [{ Name: 'Auto-Submitted', Value: 'auto-generated' }],
      Metadata: { message_id: email.id },
    },
  })
  const { MessageID: id, ErrorCode: code } = body
  if (status === 200 && typeof id === 'string') return { provider: 'postmark', id }
  const detail = `postmark ${status} ${code}`
  if (status === 422 && (code === 406 || code === 300)) throw recipientRefused(detail)
  if (status === 429) throw later(429, 'provider_rate_limited', 1, detail)
  throw status >= 500 ? later(503, 'provider_unavailable', 1, detail) : misconfigured(detail)
}

function refusalFor(error: ProviderError, retryAfter: number): Refusal {
  if (typeof error.statusCode !== 'number') return later(503, 'provider_unreachable', 1, 'no answer')
  const status = error.statusCode
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
    return recipientRefused(detail)
  }
  return misconfigured(detail)
}
