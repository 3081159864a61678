import { randomInt, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { type Answer, post, secret, signed } from './signed-request.ts'

const SECRET = secret('s')
const otpSms = {
  ...{ type: 'otp.sms', to: '+41791234567', code: '482913', expires_in: 600 },
  origin: 'auth.lanonasis.com',
}
const TEXT = '482913 is your LanOnasis code, valid for 10 minutes. Never share it.\n\n@auth.lanonasis.com #482913'
let provider: ResendStandIn
let edge: EdgeFunctions
let verify: EdgeFunctions

beforeAll(async () => {
  provider = await startResendStandIn()
  const env = { ...provider.env, OTP_WEBHOOK_SECRET: SECRET }
  const more = { DELIVERY_STATUS_URL: 'https://auth.lanonasis.com/v1/delivery' }
  edge = await startEdgeFunctions({ env: { ...env, ...more } })
  verify = await startEdgeFunctions({ env: { ...env, TWILIO_VERIFY_SERVICE_SID: `VA${'2'.repeat(32)}` } })
})
afterAll(async () => {
  await edge?.stop()
  await verify?.stop()
  await provider?.stop()
})
beforeEach(() => provider.reset())

const send = (payload: object, options: { id?: string; ageSeconds?: number } = {}, to = edge) =>
  post(to.url, signed(payload, { secrets: [SECRET], ...options }), 'send-otp-sms')
const about = ({ status, body, headers }: Answer) => [status, body.error?.code, headers.get('retry-after')]
const texts = () => provider.messages().map(({ to, text }) => [to[0], text])

describe('a good message', () => {
  it('200 after one request with the account, the service, a validity and the origin-bound last line', async () => {
    const id = randomUUID()
    const answer = await send(otpSms, { id })
    expect([answer.status, answer.body]).toEqual([200, { id: provider.messages()[0]?.id, provider: 'twilio' }])
    expect(texts()).toEqual([['+41791234567', TEXT]])
    expect(provider.requests).toHaveLength(1)
    const [request] = provider.requests
    const { TWILIO_ACCOUNT_SID: account, TWILIO_AUTH_TOKEN: token } = provider.env
    expect(request?.path).toBe(`/2010-04-01/Accounts/${account}/Messages.json`)
    expect(request?.headers.authorization).toBe(`Basic ${btoa(`${account}:${token}`)}`)
    expect(request?.headers['user-agent']).toMatch(/^twilio-node\/6/)
    expect(request?.body).toEqual({
      To: '+41791234567',
      Body: TEXT,
      MessagingServiceSid: provider.env.TWILIO_MESSAGING_SERVICE_SID,
      ValidityPeriod: '600',
      StatusCallback: `https://auth.lanonasis.com/v1/delivery/twilio?message=${id}`,
    })
  })

  it.each([
    ['after the provider failed', { status: 500 }, 503],
    ['after it took the message and went silent', { delay_ms: 6_000, after: true }, 503],
    ['after it took the message and the answer was lost', undefined, 200],
  ])('200 with one text message in all for a second try %s', async (_, fault, first) => {
    const id = randomUUID()
    const sms = { ...otpSms, code: String(randomInt(100_000, 1_000_000)) }
    if (fault) provider.fault(fault)
    expect((await send(sms, { id, ageSeconds: 2 })).status).toBe(first)
    const again = await send(sms, { id, ageSeconds: 1 })
    expect([again.status, again.body.id]).toEqual([200, provider.messages()[0]?.id])
    expect(texts()).toHaveLength(1)
  })

  it('200 through Verify with the code of ours, and one text message for a second try', async () => {
    const id = randomUUID()
    provider.fault({ delay_ms: 6_000, after: true })
    expect((await send({ ...otpSms, locale: 'de-CH' }, { id, ageSeconds: 2 }, verify)).status).toBe(503)
    const again = await send({ ...otpSms, locale: 'de-CH' }, { id, ageSeconds: 1 }, verify)
    expect([again.status, again.body.provider]).toEqual([200, 'twilio-verify'])
    expect(again.body.id).toMatch(/^VE/)
    expect(provider.requests[0]?.body).toEqual({ To: otpSms.to, Channel: 'sms', CustomCode: '482913', Locale: 'de' })
    expect(provider.messages().map(({ code }) => code)).toEqual(['482913'])
  })
})

describe('what is refused', () => {
  it.each([
    ['no number', { ...otpSms, to: undefined }],
    ['a number that is not E.164', { ...otpSms, to: '079 123 45 67' }],
    ['a number with letters', { ...otpSms, to: '+4179CALLME' }],
    ['a list of numbers', { ...otpSms, to: ['+41791234567'] }],
    ['a mail', { ...otpSms, type: 'otp.email' }],
    ['a code with letters', { ...otpSms, code: 'abc123' }],
    ['an origin with a line break', { ...otpSms, origin: 'auth.lanonasis.com\n@evil.example' }],
    ['a brand that is a text', { ...otpSms, brand: 'Bank' }],
  ])('400 for %s, and nothing is sent', async (_, payload) => {
    expect(about(await send(payload)).slice(0, 2)).toEqual([400, 'payload_invalid'])
    expect(provider.requests).toEqual([])
  })

  it.each(['+15005550001', '+15005550002', '+15005550003', '+15005550004', '+15005550009'])(
    '422 for %s, which the provider refuses for good',
    async (to) => {
      expect(about(await send({ ...otpSms, to }))).toEqual([422, 'recipient_refused', null])
      expect(about(await send({ ...otpSms, to }, {}, verify))).toEqual([422, 'recipient_refused', null])
    },
  )

  it.each([
    ['429 when there are too many', { status: 429, code: 20429 }, [429, 'provider_rate_limited', '1']],
    ['429 when a number has had too many', { status: 429, code: 60203 }, [429, 'provider_quota_exceeded', '600']],
    ['503 when it fails', { status: 500, code: 20500 }, [503, 'provider_unavailable', '1']],
    ['500 when the key is wrong', { status: 401, code: 20003 }, [500, 'misconfigured', null]],
    ['500 when the service is unknown', { status: 400, code: 21701 }, [500, 'misconfigured', null]],
  ])('%s', async (_, fault, expected) => {
    provider.fault(fault)
    expect(about(await send(otpSms))).toEqual(expected)
    expect(texts()).toEqual([])
  })

  it('the log holds no number and no code', () => {
    expect(edge.output()).toContain('"outcome":"recipient_refused"')
    expect(edge.output()).not.toMatch(/\+?41791234567|482913|500555/)
  })
})
