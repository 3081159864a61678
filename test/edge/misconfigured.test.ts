import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { otpEmail, post, secret, signed } from './signed-request.ts'

const SECRET = secret('s')
let provider: ResendStandIn

beforeAll(async () => {
  provider = await startResendStandIn()
})
afterAll(() => provider?.stop())

it.each([
  ['OTP_WEBHOOK_SECRET is not set', { OTP_WEBHOOK_SECRET: '' }],
  ['OTP_WEBHOOK_SECRET is malformed', { OTP_WEBHOOK_SECRET: 'whsec_short' }],
  ['OTP_WEBHOOK_SECRET is malformed', { OTP_WEBHOOK_SECRET: `${SECRET}|` }],
  ['RESEND_API_KEY is not set', { RESEND_API_KEY: '' }],
  ['OTP_EMAIL_FROM is not set', { OTP_EMAIL_FROM: ' ' }],
  ['RESEND_BASE_URL must be https', { RESEND_BASE_URL: 'http://mail.example.com' }],
  ['RESEND_BASE_URL is not a URL', { RESEND_BASE_URL: 'mail' }],
  ['invalid_api_key 403', { RESEND_API_KEY: 're_wrong' }],
])('500 misconfigured, with the reason in the log only: %s (%o)', async (reason, setting) => {
  const env = {
    OTP_WEBHOOK_SECRET: SECRET,
    RESEND_API_KEY: provider.apiKey,
    RESEND_BASE_URL: provider.url,
    OTP_EMAIL_FROM: 'a@lanonasis.com',
  }
  const edge = await startEdgeFunctions({ env: { ...env, ...setting } })
  try {
    const answer = await post(edge.url, signed(otpEmail, { secrets: [SECRET] }))
    expect(answer.status).toBe(500)
    expect(answer.body.error).toEqual({
      http_code: 500,
      code: 'misconfigured',
      message: 'This function is not set up.',
    })
    await vi.waitFor(() => expect(edge.output()).toContain(`"detail":"${reason}"`))
    expect(provider.messages()).toEqual([])
  } finally {
    await edge.stop()
  }
})
