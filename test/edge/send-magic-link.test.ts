import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { renderMagicLink } from '../../supabase/functions/_shared/templates/magic-link.ts'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { post, secret, signed } from './signed-request.ts'

const SECRET = secret('l')
const link = {
  type: 'magic_link.email',
  to: 'ada@example.com',
  url: 'https://auth.lanonasis.com/v1/auth/magic-link/callback?state=sealed',
  expires_in: 600,
  origin: 'auth.lanonasis.com',
  client_name: 'LanOnasis CLI',
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
  post(edge.url, signed(payload, { secrets: [SECRET], id }), 'send-magic-link')

it('200: one mail in text and HTML with the link, for however many tries', async () => {
  const id = randomUUID()
  expect((await send(link, id)).status).toBe(200)
  await send(link, id)
  expect(provider.messages()).toHaveLength(1)
  const [request] = provider.requests
  expect(request?.headers['idempotency-key']).toBe(id)
  expect(request?.body).toMatchObject({ to: 'ada@example.com', subject: 'Sign in to LanOnasis' })
  for (const part of [String(request?.body.text), String(request?.body.html)])
    for (const words of [link.url, 'LanOnasis CLI', '10 minutes']) expect(part).toContain(words)
  expect(edge.output()).not.toContain('state=sealed')
})

it('the same in five languages, and nothing of a name that could pass for a link', () => {
  const content = { ...link, expiresIn: 600, clientName: 'evil.example' }
  const subjects = ['en', 'de', 'fr', 'es', 'pt'].map((locale) => renderMagicLink({ ...content, locale }).subject)
  expect(new Set(subjects).size).toBe(5)
  for (const locale of ['en', 'de', 'fr', 'es', 'pt']) {
    const { text, html } = renderMagicLink({ ...content, locale })
    expect(text + html).not.toMatch(/evil\.example|\{\w+\}/)
  }
})

describe('400 for a malformed message, and a link to anywhere else', () => {
  it.each([
    { type: 'otp.email' },
    { to: 'nobody' },
    { url: 'https://evil.example/v1/auth/magic-link/callback' },
    { url: 'javascript:alert(1)' },
    { url: 'https://auth.lanonasis.com.evil.example/' },
    { url: 'https://auth.lanonasis.com/"onclick' },
    { expires_in: 5 },
    { origin: 'https://x' },
    { client_name: 7 },
  ])('%j', async (changes) => {
    expect((await send({ ...link, ...changes })).status).toBe(400)
    expect(provider.requests).toHaveLength(0)
  })
})
