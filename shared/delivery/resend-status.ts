import { Webhook } from 'standardwebhooks'
import type { DeliveryStatus } from '../domain/message.ts'

const provider = 'resend'

/** Resend signs webhooks as Standard Webhooks does, with Svix's header names. */
const signedHeaders = (headers: Headers) =>
  Object.fromEntries(
    ['id', 'timestamp', 'signature'].map((name) => [`webhook-${name}`, headers.get(`svix-${name}`) ?? '']),
  )

/** Whether Resend signed this body within the last five minutes. @param secrets `whsec_<base64>`, several separated by `|` */
export function isFromResend(secrets: string, headers: Headers, body: string): boolean {
  return secrets.split('|').some((secret) => {
    try {
      new Webhook(secret.trim()).verify(body, signedHeaders(headers), { jsonParse: false })
      return true
    } catch {
      return false
    }
  })
}

type ResendEvent = {
  type?: unknown
  data?: { tags?: unknown; bounce?: { type?: unknown; subType?: unknown }; failed?: { reason?: unknown } }
}

/** The message id (from its tag) and status in a delivery webhook; undefined for other events. */
export function readResendStatus(event: ResendEvent): { messageId: string; status: DeliveryStatus } | undefined {
  const { type, data } = event
  const messageId = tagOf(data?.tags, 'message_id')
  const status = statusOf(String(type), data)
  return messageId && status ? { messageId, status } : undefined
}

function statusOf(type: string, data: ResendEvent['data']): DeliveryStatus | undefined {
  const { bounce, failed } = data ?? {}
  switch (type) {
    case 'email.delivered':
      return { kind: 'delivered', provider }
    case 'email.delivery_delayed':
      return { kind: 'delayed', provider }
    case 'email.bounced':
      return { kind: 'bounced', provider, permanent: bounce?.type === 'Permanent', reason: word(bounce?.subType) }
    case 'email.suppressed':
      return { kind: 'bounced', provider, permanent: true, reason: 'suppressed_at_provider' }
    case 'email.failed':
      return { kind: 'bounced', provider, permanent: false, reason: word(failed?.reason) }
    case 'email.complained':
      return { kind: 'complained', provider }
    default:
      return undefined
  }
}

/** Tags arrive as a list of names and values, or as one object. */
function tagOf(tags: unknown, name: string): string | undefined {
  const value = Array.isArray(tags)
    ? tags.find((tag) => tag?.name === name)?.value
    : (tags as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'string' ? value : undefined
}

/** A short code. Free text of a provider is dropped, since it may contain an address. */
function word(text: unknown): string | undefined {
  const code = String(text ?? '')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
  return /^[a-z][a-z0-9_]{1,59}$/.test(code) ? code : undefined
}
