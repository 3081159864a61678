import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDelivery, type DeliveryMessage } from '../../shared/delivery/deliver.ts'

const key = (letter: string) => Buffer.from(letter.repeat(32)).toString('base64')
const SECRET = `v1,whsec_${key('a')}`
const message: DeliveryMessage = {
  id: '0198c0de-0000-7000-8000-000000000001',
  function: 'send-otp-email',
  payload: { type: 'otp.email', to: 'ada@example.com', code: '482913', expires_in: 600, origin: 'auth.lanonasis.com' },
}

type Script = (request: IncomingMessage, response: ServerResponse) => void
interface Received {
  path: string
  headers: IncomingMessage['headers']
  body: string
}
const received: Received[] = []
let script: Script[] = []
let functionsUrl: string
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  received.push({ path: request.url ?? '', headers: request.headers, body })
  const next = script.length > 1 ? script.shift() : script[0]
  next?.(request, response)
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  functionsUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}/functions/v1`
})
afterAll(() => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
})
beforeEach(() => {
  received.length = 0
})

const answer =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Script =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const refusal = (status: number, code: string, headers?: Record<string, string>) =>
  answer(status, { error: { http_code: status, code, message: 'Sorry.' } }, headers)
const ok = answer(200, { id: 'mail_1', provider: 'resend' })
const hangUp: Script = (request) => request.socket.destroy()
const silence: Script = () => undefined
const deliver = (limits?: { attemptMs?: number; budgetMs?: number }) =>
  createDelivery({ now: () => new Date(), functionsUrl, webhookSecret: SECRET, limits })(message)

describe('an accepted message', () => {
  it('accepted with the provider id, signed over the body that was sent', async () => {
    script = [ok]
    expect(await deliver()).toEqual({ status: 'accepted', provider: 'resend', providerId: 'mail_1', attempts: 1 })
    const [request] = received
    expect(request?.path).toBe('/functions/v1/send-otp-email')
    expect(request?.headers['content-type']).toBe('application/json')
    expect(request?.headers['webhook-id']).toBe(message.id)
    const payload = new Webhook(key('a')).verify(request?.body ?? '', request?.headers as Record<string, string>)
    expect(payload).toEqual(message.payload)
  })

  it('accepted with a slash at the end of the base URL', async () => {
    script = [ok]
    const result = await createDelivery({
      now: () => new Date(),
      functionsUrl: `${functionsUrl}/`,
      webhookSecret: SECRET,
    })(message)
    expect([result.status, received[0]?.path]).toEqual(['accepted', '/functions/v1/send-otp-email'])
  })

  it('carries one signature for each secret while one replaces another', async () => {
    script = [ok]
    await createDelivery({ now: () => new Date(), functionsUrl, webhookSecret: `${SECRET}|v1,whsec_${key('b')}` })(
      message,
    )
    for (const letter of ['a', 'b']) {
      const { body = '', headers } = received[0] ?? {}
      expect(new Webhook(key(letter)).verify(body, headers as Record<string, string>)).toEqual(message.payload)
    }
  })

  it.each([
    ['429', refusal(429, 'provider_rate_limited')],
    ['500', answer(500, 'Internal')],
    ['503', refusal(503, 'provider_unavailable')],
    ['a connection that breaks', hangUp],
  ])('accepted on the second attempt after %s', async (_, first) => {
    script = [first, ok]
    expect(await deliver()).toEqual({ status: 'accepted', provider: 'resend', providerId: 'mail_1', attempts: 2 })
  })

  it('accepted on the second attempt after a silent first one', async () => {
    script = [silence, ok]
    expect(await deliver({ attemptMs: 200 })).toEqual({
      status: 'accepted',
      provider: 'resend',
      providerId: 'mail_1',
      attempts: 2,
    })
  })

  it('has the same id and body at each attempt, and never the same timestamp and signature', async () => {
    script = [hangUp, refusal(500, 'internal_error'), ok]
    expect(await deliver()).toMatchObject({ status: 'accepted', attempts: 3 })
    const values = (name: string) => new Set(received.map(({ headers }) => headers[name])).size
    expect([values('webhook-id'), values('webhook-timestamp'), values('webhook-signature')]).toEqual([1, 3, 3])
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
  })

  it('waits as long as Retry-After says before the second attempt', async () => {
    script = [refusal(503, 'provider_busy', { 'retry-after': '1' }), ok]
    const started = performance.now()
    expect(await deliver()).toMatchObject({ status: 'accepted', attempts: 2 })
    expect(performance.now() - started).toBeGreaterThanOrEqual(1000)
  })

  it('takes its timestamp from the given clock', async () => {
    script = [ok]
    const now = () => new Date('2026-11-02T10:00:00.999Z')
    await createDelivery({ functionsUrl, webhookSecret: SECRET, now })(message)
    expect(received[0]?.headers['webhook-timestamp']).toBe(String(Date.parse('2026-11-02T10:00:00Z') / 1000))
  })
})

describe('a failed message', () => {
  it.each([
    ['payload_invalid', refusal(400, 'payload_invalid')],
    ['signature_invalid', refusal(401, 'signature_invalid')],
    ['replay', refusal(409, 'replay')],
    ['payload_too_large', refusal(413, 'payload_too_large')],
    ['recipient_refused', refusal(422, 'recipient_refused')],
    ['misconfigured', refusal(500, 'misconfigured')],
    ['http_404', answer(404, 'not here')],
    ['http_403', refusal(403, 'Ada <ada@example.com>')],
    ['redirect_refused', answer(307, {}, { location: 'https://elsewhere.example/' })],
    ['redirect_refused', answer(302, { id: 'mail_1' }, { location: '/' })],
    ['invalid_answer', answer(200, { ok: true })],
    ['invalid_answer', answer(200, { id: 'x'.repeat(70_000) })],
    ['invalid_answer', (_: IncomingMessage, response: ServerResponse) => response.end('<html>')],
  ])('failed, not retryable: %s after one attempt', async (reason, only) => {
    script = [only]
    expect(await deliver()).toEqual({ status: 'failed', reason, retryable: false, attempts: 1 })
    expect(received).toHaveLength(1)
  })

  it('failed, retryable, after four attempts when every one meets a 503', async () => {
    script = [refusal(503, 'provider_unavailable')]
    expect(await deliver()).toEqual({ status: 'failed', reason: 'provider_unavailable', retryable: true, attempts: 4 })
    expect(received).toHaveLength(4)
  })

  it('failed at once, with retryAfter, when the wait asked for is longer than the budget', async () => {
    script = [refusal(429, 'provider_quota_exceeded', { 'retry-after': '3600' })]
    const result = await deliver()
    expect(result).toEqual({
      status: 'failed',
      reason: 'provider_quota_exceeded',
      retryable: true,
      retryAfter: 3600,
      attempts: 1,
    })
  })

  it('failed within the budget when no one ever answers', async () => {
    script = [silence]
    const started = performance.now()
    expect(await deliver({ attemptMs: 700, budgetMs: 2_000 })).toMatchObject({
      reason: 'function_timeout',
      retryable: true,
    })
    expect(performance.now() - started).toBeLessThan(2_100)
  })

  it('failed as function_unreachable when nothing listens', async () => {
    const far = createDelivery({
      now: () => new Date(),
      functionsUrl: 'http://127.0.0.1:1/functions/v1',
      webhookSecret: SECRET,
    })
    expect(await far(message)).toEqual({
      status: 'failed',
      reason: 'function_unreachable',
      retryable: true,
      attempts: 4,
    })
  })

  it('failed as function_timeout when the answer starts and never ends', async () => {
    script = [(_, response) => void response.writeHead(200).write('{"id":')]
    expect(await deliver({ attemptMs: 200, budgetMs: 600 })).toMatchObject({ reason: 'function_timeout' })
  })
})

it.each(['', 'whsec_c2hvcnQ=', 'v1,whsec_c2hvcnQ=', `${SECRET}|`, 'v1,whsec_***'])(
  'throws for the malformed secret %j before any message is taken',
  (webhookSecret) => {
    expect(() => createDelivery({ now: () => new Date(), functionsUrl, webhookSecret })).toThrow(
      'malformed webhook secret',
    )
  },
)
