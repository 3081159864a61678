import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import { addressLookup } from '../../shared/typed/address.ts'
import { type Messages, received } from './messages.ts'
import type { AcceptedMail } from './status-reports.ts'

const MAX_IDEMPOTENCY_KEY = 256
const REMEMBERED_KEYS = 1_000
const ADDRESS = /^(?:[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/

const address = z.string().regex(ADDRESS)
const addresses = z.union([address.transform((one) => [one]), z.array(address).min(1).max(50)])
const emailBody = z.object({
  from: address,
  to: addresses,
  subject: z.string().min(1),
  html: z.string().default(''),
  text: z.string().default(''),
  cc: addresses.optional(),
  bcc: addresses.optional(),
  reply_to: addresses.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  tags: z
    .array(z.object({ name: z.string().regex(/^[\w-]{1,256}$/), value: z.string().regex(/^[\w-]{1,256}$/) }))
    .default([]),
})

/**
 * Implements Resend's `POST /emails` with its bearer key, field checks, idempotency keys and error bodies.
 * @param options.accepted called with each accepted mail
 */
export function createResendApi(options: {
  apiKey: string
  messages: Messages
  accepted?: (mail: AcceptedMail) => void
}): Hono {
  const { apiKey, messages, accepted } = options
  const api = new Hono()
  const sent = new Map<string, { id: string; digest: string }>()

  api.post('/emails', async (c) => {
    const refuse = (statusCode: 400 | 401 | 403 | 409 | 422, name: string, message: string) =>
      c.json({ statusCode, name, message }, statusCode)
    const authorization = c.req.header('authorization')
    if (!authorization) return refuse(401, 'missing_api_key', 'Missing API key in the authorization header.')
    if (!sameText(authorization, `Bearer ${apiKey}`)) return refuse(403, 'invalid_api_key', 'API key is invalid.')

    const key = c.req.header('idempotency-key')
    if (key !== undefined && (key === '' || key.length > MAX_IDEMPOTENCY_KEY))
      return refuse(400, 'invalid_idempotency_key', 'The key must be between 1-256 chars.')
    const raw = await c.req.text()
    const digest = createHash('sha256').update(raw).digest('hex')
    const before = key === undefined ? undefined : sent.get(key)
    if (before?.digest === digest) return c.json({ id: before.id })
    if (before) {
      const message = 'This idempotency key was used with a different payload. Use a new key or the same payload.'
      return refuse(409, 'invalid_idempotent_request', message)
    }

    const body: unknown = await c.req.json().catch(() => undefined)
    const { data: email, error } = emailBody.safeParse(body)
    if (error) {
      const name = String(error.issues[0]?.path[0] ?? 'body')
      const isMissing = typeof body === 'object' && body !== null && !(name in body)
      return isMissing
        ? refuse(422, 'missing_required_field', `Missing \`${name}\` field.`)
        : refuse(422, 'validation_error', `Invalid \`${name}\` field.`)
    }
    const { from, to, subject, text, html, tags } = email
    if (!html && !text) return refuse(422, 'validation_error', 'Missing `html` or `text` field.')
    const id = randomUUID()
    messages.add(received({ id, channel: 'email', to, from, subject, text, html }))
    if (key !== undefined) remember(sent, key, { id, digest })
    accepted?.({ id, to: addressLookup(to[0] ?? ''), tags })
    return c.json({ id })
  })
  return api
}

function remember<T>(entries: Map<string, T>, key: string, entry: T): void {
  entries.set(key, entry)
  const eldest = entries.keys().next()
  if (entries.size > REMEMBERED_KEYS && !eldest.done) entries.delete(eldest.value)
}

/** Returns the Authorization header for a name and password (RFC 7617). */
export const basicCredentials = (name: string, password: string) =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

export function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
