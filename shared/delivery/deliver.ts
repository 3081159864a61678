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

interface OtpEmail {
  type: 'otp.email'
  to: string
  code: string
  /** Lifetime of the code in seconds. */
  expires_in: number
  /** Host where the code is to be entered, such as `auth.lanonasis.com`. */
  origin: string
  /** BCP 47 tag. */
  locale?: string
  client_name?: string
  brand?: Brand
}

interface MagicLinkEmail {
  type: 'magic_link.email'
  to: string
  /** Page of the gateway that signs in when the person confirms. */
  url: string
  /** Lifetime of the link in seconds. */
  expires_in: number
  /** Host of the gateway. */
  origin: string
  /** BCP 47 tag. */
  locale?: string
  client_name?: string
  brand?: Brand
}

interface OtpSms {
  type: 'otp.sms'
  /** E.164. */
  to: string
  code: string
  /** Lifetime of the code in seconds. */
  expires_in: number
  /** Host where the code is to be entered; the last line of the message binds the code to it. */
  origin: string
  /** BCP 47 tag. */
  locale?: string
  brand?: Brand
}

export interface NoticeEmail {
  type: 'notice.email'
  to: string
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
    | 'recovery_codes_made'
    | 'recovery_code_used'
    | 'operator_code_made'
  /** Host of the gateway. */
  origin: string
  /** Page where the person can do something about it. */
  manage_url: string
  /** Name of the key or application. */
  key_name?: string
  key_preview?: string
  /** ISO 8601. */
  expires_at?: string
  /** BCP 47 tag. */
  locale?: string
  brand?: Brand
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

export type DeliveryResult =
  | { status: 'accepted'; provider: string; providerId: string; attempts: number }
  | {
      status: 'failed'
      /** Short snake_case code, safe for events and logs. */
      reason: string
      /** Whether the same message may succeed later. */
      retryable: boolean
      /** Seconds to wait, as the function requested. */
      retryAfter?: number
      attempts: number
    }

export type Deliver = (message: DeliveryMessage) => Promise<DeliveryResult>

interface DeliveryOptions {
  /** Base URL of the edge functions, such as `https://<project>.supabase.co/functions/v1`. */
  functionsUrl: string
  /** `whsec_<base64>`, with or without `v1,`; several separated by `|` each sign every message, so that secrets can be rotated. */
  webhookSecret: string
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
    const body = JSON.stringify(payload)
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
