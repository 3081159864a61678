import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { type Answer, otpEmail, post, type SignedRequest, secret, signed } from './signed-request.ts'

const OLD = secret('o')
const NEW = secret('n')
let provider: ResendStandIn
let edge: EdgeFunctions

beforeAll(async () => {
  provider = await startResendStandIn()
  edge = await startEdgeFunctions({
    env: {
      OTP_WEBHOOK_SECRET: `${NEW}|${OLD}`,
      RESEND_API_KEY: provider.apiKey,
      RESEND_BASE_URL: provider.url,
      OTP_EMAIL_FROM: 'LanOnasis <signin@lanonasis.com>',
    },
  })
})
afterAll(async () => {
  await edge?.stop()
  await provider?.stop()
})
beforeEach(() => provider.reset())

const send = (request: SignedRequest) => post(edge.url, request)
const refused = (answer: Answer) => [answer.status, answer.body.error?.code, answer.body.error?.message]

describe('a good message', () => {
  it('200 with the provider id, after one request with the key, the idempotency key and both bodies', async () => {
    const id = randomUUID()
    const answer = await send(signed({ ...otpEmail, client_name: 'Cursor' }, { secrets: [NEW], id }))

    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ id: provider.messages()[0]?.id, provider: 'resend' })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(provider.requests).toHaveLength(1)
    const [request] = provider.requests
    expect(request?.headers.authorization).toBe(`Bearer ${provider.apiKey}`)
    expect(request?.headers['idempotency-key']).toBe(id)
    expect(request?.body).toMatchObject({
      from: 'LanOnasis <signin@lanonasis.com>',
      to: 'ada@example.com',
      subject: 'Your LanOnasis sign-in code',
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': id },
      tags: [
        { name: 'category', value: 'otp' },
        { name: 'message_id', value: id },
      ],
    })
    for (const part of [String(request?.body.text), String(request?.body.html)]) {
      expect(part).toContain('482913')
      expect(part).toContain('auth.lanonasis.com')
      expect(part).toContain('10 minutes')
      expect(part).toContain('Cursor')
      expect(part).toContain('Never share this code')
    }
  })

  it.each([
    ['the secret being replaced', { secrets: [OLD] }],
    ['a second signature that is the right one', { secrets: [secret('x'), NEW] }],
    ['signatures joined with a comma and a space', { secrets: [secret('x'), OLD], separator: ', ' }],
    ['a timestamp four minutes old', { secrets: [NEW], ageSeconds: 240 }],
    ['a timestamp four minutes ahead', { secrets: [NEW], ageSeconds: -240 }],
  ])('200 for %s', async (_, options) => {
    expect((await send(signed(otpEmail, options))).status).toBe(200)
    expect(provider.messages()).toHaveLength(1)
  })

  it('200 with the same provider id and no second mail when it is sent again under a new signature', async () => {
    const id = randomUUID()
    const first = await send(signed(otpEmail, { secrets: [NEW], id, ageSeconds: 2 }))
    const second = await send(signed(otpEmail, { secrets: [NEW], id, ageSeconds: 1 }))
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body.id).toBe(first.body.id)
    expect(provider.messages()).toHaveLength(1)
  })
})

describe('what is refused before anything is sent', () => {
  const invalid = [401, 'signature_invalid', 'The webhook signature is missing or wrong.']
  const stale = [401, 'timestamp_out_of_tolerance', 'The timestamp is more than five minutes off.']
  const good = () => signed(otpEmail, { secrets: [NEW] })
  const withHeader = (name: string, value: string) => ({ ...good(), headers: { ...good().headers, [name]: value } })

  it.each<[string, unknown[], () => SignedRequest]>([
    ['a signature by an unknown secret', invalid, () => signed(otpEmail, { secrets: [secret('x')] })],
    [
      'a body changed on the way',
      invalid,
      () => ({ ...good(), body: JSON.stringify({ ...otpEmail, to: 'eve@example.com' }) }),
    ],
    ['a body with one more blank', invalid, () => ({ ...good(), body: `${good().body} ` })],
    ['another message id', invalid, () => withHeader('webhook-id', randomUUID())],
    ['no signature', invalid, () => ({ body: good().body, headers: { 'content-type': 'application/json' } })],
    [
      'a signature of an unknown version',
      invalid,
      () => withHeader('webhook-signature', good().headers['webhook-signature']?.replace('v1,', 'v1a,') ?? ''),
    ],
    [
      'a timestamp that only starts as a number',
      invalid,
      () => withHeader('webhook-timestamp', `${good().headers['webhook-timestamp']}x`),
    ],
    ['a message id with blanks', invalid, () => signed(otpEmail, { secrets: [NEW], id: 'two words' })],
    ['a timestamp six minutes old', stale, () => signed(otpEmail, { secrets: [NEW], ageSeconds: 360 })],
    ['a timestamp six minutes ahead', stale, () => signed(otpEmail, { secrets: [NEW], ageSeconds: -360 })],
  ])('401 for %s', async (_, expected, make) => {
    expect(refused(await send(make()))).toEqual(expected)
    expect(provider.requests).toEqual([])
  })

  it('409 for the same request a second time, also with one of its two signatures taken off', async () => {
    const request = signed(otpEmail, { secrets: [OLD, NEW] })
    const lighter = {
      ...request.headers,
      'webhook-signature': request.headers['webhook-signature']?.split(' ')[0] ?? '',
    }
    expect((await send(request)).status).toBe(200)
    const replay = [409, 'replay', 'This request was received before.']
    expect(refused(await send(request))).toEqual(replay)
    expect(refused(await send({ ...request, headers: lighter }))).toEqual(replay)
    expect(provider.requests).toHaveLength(1)
  })

  it('409 for all but one of twenty copies at the same time', async () => {
    const request = signed(otpEmail, { secrets: [NEW] })
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(request)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 409)])
    expect(provider.requests).toHaveLength(1)
  })

  it.each([
    ['json_invalid', 'not JSON', '{"type":"otp.email"'],
    ['json_invalid', 'an empty body', ''],
    ['payload_invalid', 'a list', []],
    ['payload_invalid', 'null', null],
    ['payload_invalid', 'another type', { ...otpEmail, type: 'otp.sms' }],
    ['payload_invalid', 'no recipient', { ...otpEmail, to: undefined }],
    ['payload_invalid', 'two recipients in one', { ...otpEmail, to: 'a@example.com,b@example.com' }],
    ['payload_invalid', 'a recipient with a line break', { ...otpEmail, to: 'a@example.com\r\nbcc:b' }],
    ['payload_invalid', 'a list of recipients', { ...otpEmail, to: ['a@example.com'] }],
    ['payload_invalid', 'no code', { ...otpEmail, code: undefined }],
    ['payload_invalid', 'a code that is a number', { ...otpEmail, code: 482913 }],
    ['payload_invalid', 'a code with markup', { ...otpEmail, code: '<b>123</b>' }],
    ['payload_invalid', 'no lifetime', { ...otpEmail, expires_in: undefined }],
    ['payload_invalid', 'a lifetime of a day', { ...otpEmail, expires_in: 86_400 }],
    ['payload_invalid', 'an origin that is a URL', { ...otpEmail, origin: 'https://auth.lanonasis.com/' }],
    ['payload_invalid', 'a client name that is an object', { ...otpEmail, client_name: {} }],
  ])('400 %s for %s', async (code, _, payload) => {
    const answer = await send(signed(payload, { secrets: [NEW] }))
    expect(refused(answer).slice(0, 2)).toEqual([400, code])
    expect(provider.requests).toEqual([])
  })

  it('400 for bytes that are not UTF-8', async () => {
    const answer = await post(edge.url, { headers: good().headers, body: new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]) })
    expect(refused(answer)).toEqual([400, 'body_unreadable', 'The body is not readable UTF-8.'])
  })

  it('405 with Allow for a GET', async () => {
    const response = await fetch(`${edge.url}/send-otp-email`)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('415 for a form', async () => {
    const answer = await send(withHeader('content-type', 'application/x-www-form-urlencoded'))
    expect(refused(answer).slice(0, 2)).toEqual([415, 'unsupported_media_type'])
  })

  it('413 for a body over 20 KiB, whether or not its length is announced', async () => {
    const request = signed({ ...otpEmail, padding: 'x'.repeat(20 * 1024) }, { secrets: [NEW] })
    const stream = new Blob([request.body]).stream()
    const unannounced = await post(edge.url, { ...request, body: stream, duplex: 'half' } as RequestInit)
    for (const answer of [await send(request), unannounced]) {
      expect(refused(answer)).toEqual([413, 'payload_too_large', 'The body may hold 20480 bytes at most.'])
    }
    expect(provider.requests).toEqual([])
  })

  it('404 for a function that does not exist', async () => {
    expect((await fetch(`${edge.url}/send-fax`, { method: 'POST' })).status).toBe(404)
  })
})

describe('trouble at the provider', () => {
  const fresh = () => signed(otpEmail, { secrets: [NEW] })
  const about = (answer: Answer) => [answer.status, answer.body.error?.code, answer.headers.get('retry-after')]

  it.each([
    [
      '429 with its Retry-After when it limits the rate',
      { status: 429, name: 'rate_limit_exceeded', retry_after: 3 },
      [429, 'provider_rate_limited', '3'],
    ],
    [
      '429 for an hour when the quota is used up',
      { status: 429, name: 'daily_quota_exceeded' },
      [429, 'provider_quota_exceeded', '3600'],
    ],
    ['503 when it fails', { status: 500, name: 'internal_server_error' }, [503, 'provider_unavailable', '1']],
    [
      '503 with its Retry-After when it is overloaded',
      { status: 503, retry_after: 7 },
      [503, 'provider_unavailable', '7'],
    ],
    [
      '503 while it works on the same message',
      { status: 409, name: 'concurrent_idempotent_requests' },
      [503, 'provider_busy', '1'],
    ],
    [
      '422 when it refuses the recipient',
      { status: 422, name: 'validation_error', message: 'Invalid `to` field.' },
      [422, 'recipient_refused', null],
    ],
    [
      '500 when it refuses the sender',
      { status: 422, name: 'validation_error', message: 'Invalid `from` field.' },
      [500, 'misconfigured', null],
    ],
    [
      '500 when the sender domain is not verified',
      { status: 403, name: 'validation_error' },
      [500, 'misconfigured', null],
    ],
  ])('%s', async (_, fault, expected) => {
    provider.fault(fault)
    expect(about(await send(fresh()))).toEqual(expected)
    expect(provider.messages()).toEqual([])
  })

  it('409 when the message id was used for another mail', async () => {
    const id = randomUUID()
    await send(signed(otpEmail, { secrets: [NEW], id }))
    const answer = await send(signed({ ...otpEmail, code: '999999' }, { secrets: [NEW], id }))
    expect(refused(answer)).toEqual([409, 'message_id_reused', 'This message id was used for another message.'])
    expect(provider.messages().map((message) => message.code)).toEqual(['482913'])
  })

  it('503 within five seconds when it does not answer, and the same id later without a second mail', async () => {
    const id = randomUUID()
    provider.fault({ delay_ms: 6_000, after: true })
    const started = performance.now()
    expect(about(await send(signed(otpEmail, { secrets: [NEW], id, ageSeconds: 2 })))).toEqual([
      503,
      'provider_timeout',
      '1',
    ])
    expect(performance.now() - started).toBeLessThan(5_000)

    const again = await send(signed(otpEmail, { secrets: [NEW], id, ageSeconds: 1 }))
    expect([again.status, again.body.id]).toEqual([200, provider.messages()[0]?.id])
    expect(provider.messages()).toHaveLength(1)
  })

  it('200 after a failure when the same message comes again', async () => {
    const id = randomUUID()
    provider.fault({ status: 500 })
    expect((await send(signed(otpEmail, { secrets: [NEW], id, ageSeconds: 2 }))).status).toBe(503)
    expect((await send(signed(otpEmail, { secrets: [NEW], id, ageSeconds: 1 }))).status).toBe(200)
    expect(provider.messages()).toHaveLength(1)
  })
})

describe('the log', () => {
  it('holds outcomes and ids and no address, code, key or secret', async () => {
    const id = randomUUID()
    provider.fault({ status: 422, name: 'validation_error', message: 'Invalid `to` field: ada@example.com.' })
    await send(signed(otpEmail, { secrets: [NEW], id }))
    const last = randomUUID()
    await send(signed(otpEmail, { secrets: [NEW], id: last }))
    const output = await vi.waitFor(() => {
      expect(edge.output()).toContain(`"outcome":"recipient_refused","status":422,"message_id":"${id}"`)
      expect(edge.output()).toContain(`"message_id":"${last}"`)
      return edge.output()
    })
    expect(output).not.toMatch(/@example\.com|482913|999999/)
    for (const hidden of [provider.apiKey, ...[NEW, OLD].map((one) => one.slice('v1,whsec_'.length))]) {
      expect(output).not.toContain(hidden)
    }
  })
})
