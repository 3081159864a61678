import { type Attempt, attempt } from './attempt.ts'
import { createSigner } from './sign.ts'

const ATTEMPT_MS = 5_000
const BUDGET_MS = 9_000
const MAX_ATTEMPTS = 4
const BACK_OFF_MS = 300
const SHORTEST_ATTEMPT_MS = 500

/** The brand that a message shows; the LanOnasis brand by default. */
export interface Brand {
  name?: string
  /** `#rrggbb`. */
  colour?: string
}

interface Message {
  /** An address, or a number in E.164. */
  to: string
  /** Host of the gateway, such as `auth.lanonasis.com`; the last line of a text message binds its code to it. */
  origin: string
  /** BCP 47 tag. */
  locale?: string
  brand?: Brand
}

interface Expiring extends Message {
  /** Lifetime of the code or link in seconds. */
  expires_in: number
}

interface OtpEmail extends Expiring {
  type: 'otp.email'
  code: string
  client_name?: string
}

interface MagicLinkEmail extends Expiring {
  type: 'magic_link.email'
  /** Page of the gateway that signs in when the person confirms. */
  url: string
  client_name?: string
}

interface OtpSms extends Expiring {
  type: 'otp.sms'
  code: string
}

export interface NoticeEmail extends Message {
  type: 'notice.email'
  kind:
    | 'api_key_leaked'
    | 'api_key_expiring'
    | 'device_connected'
    | 'identities_merged'
    | 'phone_added'
    | 'sign_in_method_added'
    | 'sign_in_method_removed'
    | 'authenticator_added'
    | 'authenticator_removed'
    | 'passkey_added'
    | 'passkey_removed'
    | 'recovery_codes_made'
    | 'recovery_code_used'
    | 'operator_code_made'
    | 'new_sign_in'
  /** Page where the person can do something about it. */
  manage_url: string
  /** Name of the key or application. */
  key_name?: string
  key_preview?: string
  /** ISO 8601. */
  expires_at?: string
  /** When (ISO 8601), with which browser and from which network (CIDR) the account was used. */
  at?: string
  browser?: string
  network?: string
}

export type DeliveryMessage = {
  /** Identifies the message across all attempts. */
  id: string
} & (
  | { function: 'send-otp-email'; payload: OtpEmail }
  | { function: 'send-magic-link'; payload: MagicLinkEmail }
  | { function: 'send-otp-sms'; payload: OtpSms }
  | { function: 'send-notice-email'; payload: NoticeEmail }
)

export type DeliveryResult = Attempt & { attempts: number }

export type Deliver = (message: DeliveryMessage) => Promise<DeliveryResult>

interface DeliveryOptions {
  /** Base URL of the edge functions, such as `https://<project>.supabase.co/functions/v1`. */
  functionsUrl: string
  /** `whsec_<base64>`, with or without `v1,`; several separated by `|` each sign every message, so that secrets can be rotated. */
  webhookSecret: string
  /** The brand of messages that name none. */
  brand?: Brand
  fetch?: typeof fetch
  now: () => Date
  /** Milliseconds for one attempt (5,000) and for all of them with their pauses (9,000). */
  limits?: { attemptMs?: number; budgetMs?: number }
}

/**
 * Creates the function that sends messages: a Standard Webhooks call to an edge function, retried on network errors, 429 and 5xx.
 * Throws if the secret is malformed; the returned function never throws and logs nothing.
 */
export function createDelivery(options: DeliveryOptions): Deliver {
  const base = options.functionsUrl.replace(/\/+$/, '')
  const sign = createSigner(options.webhookSecret, options.now)
  const send = options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request))
  const { attemptMs = ATTEMPT_MS, budgetMs = BUDGET_MS } = options.limits ?? {}

  return async ({ id, function: name, payload }) => {
    const deadline = performance.now() + budgetMs
    const body = JSON.stringify({ ...payload, brand: payload.brand ?? options.brand })
    const signAttempt = sign(id, body)
    for (let attempts = 1; ; attempts++) {
      const timeoutMs = Math.min(attemptMs, deadline - performance.now())
      const outcome = await attempt(send, `${base}/${name}`, signAttempt(), body, timeoutMs)
      if (outcome.status === 'accepted') return { ...outcome, attempts }
      const pause = pauseBefore(attempts + 1, outcome)
      const left = deadline - performance.now() - pause
      if (!outcome.retryable || attempts >= MAX_ATTEMPTS || left < SHORTEST_ATTEMPT_MS) return { ...outcome, attempts }
      const { setTimeout: sleep } = await import('node:timers/promises')
      await sleep(pause)
    }
  }
}

function pauseBefore(next: number, last: Attempt & { status: 'failed' }): number {
  const backOff = BACK_OFF_MS * 2 ** (next - 2) * (0.75 + Math.random() / 2)
  return Math.max(backOff, (last.retryAfter ?? 0) * 1000)
}
