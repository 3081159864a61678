import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import { addressLookup } from '../../shared/typed/address.ts'
import { findCode, type Messages } from './messages.ts'
import type { AcceptedMail } from './status-reports.ts'

const MAX_IDEMPOTENCY_KEY = 256
const REMEMBERED_KEYS = 1_000
const ADDRESS = /^(?:[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/

const address = z.string().regex(ADDRESS)
const addresses = z.union([address.transform((one) => [one]), z.array(address).min(1).max(50)])
const fields = {
  from: address,
  to: addresses,
  subject: z.string().min(1),
  html: z.string().optional(),
  text: z.string().optional(),
  cc: addresses.optional(),
  bcc: addresses.optional(),
  reply_to: addresses.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  tags: z
    .array(z.object({ name: z.string().regex(/^[\w-]{1,256}$/), value: z.string().regex(/^[\w-]{1,256}$/) }))
    .optional(),
}
const emailBody = z.object(fields)

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
    const authorization = c.req.header('authorization')
    if (!authorization)
      return c.json(problem(401, 'missing_api_key', 'Missing API key in the authorization header.'), 401)
    if (!sameText(authorization, `Bearer ${apiKey}`)) {
      return c.json(problem(403, 'invalid_api_key', 'API key is invalid.'), 403)
    }

    const key = c.req.header('idempotency-key')
    if (key !== undefined && (key === '' || key.length > MAX_IDEMPOTENCY_KEY)) {
      return c.json(problem(400, 'invalid_idempotency_key', 'The key must be between 1-256 chars.'), 400)
    }
    const raw = await c.req.text()
    const digest = createHash('sha256').update(raw).digest('hex')
    const before = key === undefined ? undefined : sent.get(key)
    if (before?.digest === digest) return c.json({ id: before.id })
    if (before) {
      const message = 'This idempotency key was used with a different payload. Use a new key or the same payload.'
      return c.json(problem(409, 'invalid_idempotent_request', message), 409)
    }

    const email = parseEmail(raw)
    if ('statusCode' in email) return c.json(email, 422)
    const id = randomUUID()
    const { from, to, subject, text = '', html = '' } = email
    messages.add({
      id,
      channel: 'email',
      to,
      from,
      subject,
      text,
      html,
      code: findCode(text),
      received_at: new Date().toISOString(),
    })
    if (key !== undefined) remember(sent, key, { id, digest })
    accepted?.({ id, to: addressLookup(to[0] ?? ''), tags: email.tags ?? [] })
    return c.json({ id })
  })
  return api
}

type Problem = { statusCode: number; name: string; message: string }

function parseEmail(raw: string): z.infer<typeof emailBody> | Problem {
  const json = parseJson(raw)
  const parsed = emailBody.safeParse(json)
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0] ?? 'body')
    const missing = typeof json === 'object' && json !== null && !(name in json)
    return missing
      ? problem(422, 'missing_required_field', `Missing \`${name}\` field.`)
      : problem(422, 'validation_error', `Invalid \`${name}\` field.`)
  }
  const { html, text } = parsed.data
  if (!html && !text) return problem(422, 'validation_error', 'Missing `html` or `text` field.')
  return parsed.data
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}

function problem(statusCode: number, name: string, message: string): Problem {
  return { statusCode, name, message }
}

export function remember<T>(entries: Map<string, T>, key: string, entry: T): void {
  entries.set(key, entry)
  const eldest = entries.keys().next()
  if (entries.size > REMEMBERED_KEYS && !eldest.done) entries.delete(eldest.value)
}

export function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
