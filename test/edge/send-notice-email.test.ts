import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { renderNoticeEmail } from '../../supabase/functions/_shared/templates/notice-email.ts'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { post, secret, signed } from './signed-request.ts'

const SECRET = secret('n')
const notice = {
  type: 'notice.email',
  to: 'ada@example.com',
  kind: 'api_key_leaked',
  origin: 'auth.lanonasis.com',
  manage_url: 'https://auth.lanonasis.com/account/api-keys',
  key_name: 'Laptop',
  key_preview: 'lano_1a2b…9f00',
}

let provider: ResendStandIn
let edge: EdgeFunctions
beforeAll(async () => {
  provider = await startResendStandIn()
  edge = await startEdgeFunctions({
    env: {
      OTP_WEBHOOK_SECRET: SECRET,
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

const send = (payload: object, id = randomUUID()) =>
  post(edge.url, signed(payload, { secrets: [SECRET], id }), 'send-notice-email')

it('200: one mail in text and HTML, for however many tries', async () => {
  const id = randomUUID()
  expect((await send(notice, id)).status).toBe(200)
  await send(notice, id)
  expect(provider.messages()).toHaveLength(1)
  const [request] = provider.requests
  expect(request?.headers['idempotency-key']).toBe(id)
  expect(request?.body).toMatchObject({
    to: 'ada@example.com',
    subject: 'One of your LanOnasis API keys was found in public',
    tags: [
      { name: 'category', value: 'notice' },
      { name: 'message_id', value: id },
    ],
  })
  for (const part of [String(request?.body.text), String(request?.body.html)])
    for (const words of ['Laptop', 'lano_1a2b…9f00', 'https://auth.lanonasis.com/account/api-keys'])
      expect(part).toContain(words)
})

it('401 when it is not signed with a known secret', async () => {
  const request = signed(notice, { secrets: [secret('x')] })
  expect((await post(edge.url, request, 'send-notice-email')).status).toBe(401)
  expect(provider.requests).toHaveLength(0)
})

describe('400 for a malformed message', () => {
  it.each([
    { type: 'otp.email' },
    { kind: 'you_won' },
    { to: 'nobody' },
    { origin: 'https://x' },
    { manage_url: 'javascript:alert(1)' },
    { manage_url: undefined },
    { key_name: 7 },
    { at: 'yesterday' },
    { browser: 'Chrome <b>' },
    { network: '203.0.113.7' },
  ])('%j', async (changes) => {
    expect((await send({ ...notice, ...changes })).status).toBe(400)
    expect(provider.requests).toHaveLength(0)
  })
})

describe('the mail', () => {
  const content = { kind: 'api_key_expiring' as const, origin: 'auth.lanonasis.com', manageUrl: notice.manage_url }

  it.each([
    ['en', 'Chrome on macOS, network 203.0.113.0/24, on December 1, 2026 at 10:00 AM UTC'],
    ['de', 'Chrome on macOS, Netz 203.0.113.0/24, am 1. Dezember 2026 um 10:00 UTC'],
    ['fr', 'Chrome on macOS, réseau 203.0.113.0/24, le 1 décembre 2026 à 10:00 UTC'],
    ['es', 'Chrome on macOS, red 203.0.113.0/24, el 1 de diciembre de 2026'],
    ['pt', 'Chrome on macOS, rede 203.0.113.0/24, em 1 de dezembro de 2026 às 10:00 UTC'],
  ])('says when, with which browser and from which network someone signed in (%s)', (locale, said) => {
    const where = { at: '2026-12-01T10:00:00.000Z', browser: 'Chrome on macOS', network: '203.0.113.0/24' }
    const { text } = renderNoticeEmail({ ...content, kind: 'new_sign_in', locale, ...where })
    expect(text.replace(/\s+/g, ' ')).toContain(said)
  })

  it('says when a key ends', () => {
    const { subject, text } = renderNoticeEmail({ ...content, keyName: 'CI', expiresAt: '2027-01-31T10:00:00.000Z' })
    expect(subject).toBe('A LanOnasis API key is about to expire')
    expect(text).toContain('The API key CI stops working on 2027-01-31.')
  })

  it.each(['<script>alert(1)</script>', 'visit evil.example now', 'call +1 555 0100 123'])(
    'leaves out the name %s',
    (keyName) => {
      const { html, text } = renderNoticeEmail({ ...content, keyName })
      expect(html + text).not.toContain(keyName)
      expect(text).toContain('one of your keys')
    },
  )
})
