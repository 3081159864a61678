import { randomInt, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type Fault, type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { otpEmail, post, secret, signed } from './signed-request.ts'

const SECRET = secret('s')
let provider: ResendStandIn
let edge: EdgeFunctions

beforeAll(async () => {
  provider = await startResendStandIn()
  const both = { EMAIL_PROVIDERS: 'resend, postmark', SMS_PROVIDERS: 'twilio,vonage' }
  edge = await startEdgeFunctions({ env: { ...provider.env, ...both, OTP_WEBHOOK_SECRET: SECRET } })
})
afterAll(async () => {
  await edge?.stop()
  await provider?.stop()
})
beforeEach(() => provider.reset())

const messageFor = (name: string) => {
  const code = String(randomInt(100_000, 1_000_000))
  return name === 'send-otp-sms' ? { ...otpEmail, code, type: 'otp.sms', to: '+41791234567' } : { ...otpEmail, code }
}

describe.each([
  ['send-otp-email', 'resend', 'postmark'],
  ['send-otp-sms', 'twilio', 'vonage'],
])('%s', (name, first, second) => {
  const send = (payload: object, id = randomUUID(), ageSeconds = 0) =>
    post(edge.url, signed(payload, { secrets: [SECRET], id, ageSeconds }), name)

  it.each<[string, Fault]>([
    ['fails', { status: 500 }],
    ['limits the rate', { status: 429, name: 'rate_limit_exceeded', code: 20429 }],
    ['has no more of our money', { status: 429, name: 'monthly_quota_exceeded', code: 30001 }],
    ['no longer knows our key', { status: 401, name: 'missing_api_key', code: 20003 }],
  ])('200 by the second provider when the first one %s, with one message', async (_, fault) => {
    provider.fault(fault)
    const payload = messageFor(name)
    const { status, body } = await send(payload)
    expect([status, body]).toEqual([200, { provider: second, id: provider.messages()[0]?.id }])
    expect(provider.messages().map(({ code }) => code)).toEqual([payload.code])
  })

  it('200 by the first provider as long as it works, and 422 by it where the recipient is wrong', async () => {
    expect((await send(messageFor(name))).body.provider).toBe(first)
    provider.reset()
    provider.fault({ status: 422, name: 'validation_error', message: 'Invalid `to` field.', code: 21211 })
    expect((await send(messageFor(name))).status).toBe(422)
    expect(provider.requests).toHaveLength(1)
  })

  it('503 after a timeout of the first one, which may have accepted the message; then one message in all', async () => {
    const [payload, id] = [messageFor(name), randomUUID()]
    provider.fault({ delay_ms: 5_000, after: true })
    expect((await send(payload, id, 2)).status).toBe(503)
    const again = await send(payload, id, 1)
    expect([again.status, again.body.provider]).toEqual([200, first])
    expect(provider.messages()).toHaveLength(1)
  })

  it('200 by the second provider when the first one is silent twice', async () => {
    const [payload, id] = [messageFor(name), randomUUID()]
    provider.fault({ delay_ms: 4_500, status: 500 })
    expect((await send(payload, id, 2)).status).toBe(503)
    provider.fault({ delay_ms: 4_500, status: 500 })
    const again = await send(payload, id, 1)
    expect([again.status, again.body.provider]).toEqual([200, second])
    expect(provider.messages()).toHaveLength(1)
  })

  it('503 when both are down', async () => {
    provider.fault({ status: 500, times: 2 })
    expect((await send(messageFor(name))).status).toBe(503)
    expect(provider.messages()).toEqual([])
  })
})
