import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { post, secret, signed } from './signed-request.ts'

const [OLD, NEW] = [secret('o'), secret('n')]
const SUPABASE = 'https://project.supabase.co'
let provider: ResendStandIn
let edge: EdgeFunctions

beforeAll(async () => {
  provider = await startResendStandIn()
  edge = await startEdgeFunctions({
    env: {
      ...provider.env,
      ...{ SEND_EMAIL_HOOK_SECRET: `${NEW}|${OLD}`, SEND_SMS_HOOK_SECRET: NEW, SUPABASE_URL: SUPABASE },
      ...{ AUTH_BASE_URL: 'https://auth.lanonasis.com', AUTH_SITE_URL: 'https://app.example', SMS_COUNTRIES: 'CH, DE' },
    },
  })
})
afterAll(async () => {
  await edge?.stop()
  await provider?.stop()
})
beforeEach(() => provider.reset())

const user = { id: randomUUID(), email: 'ada@example.com', phone: '41791234567', user_metadata: { locale: 'en-GB' } }
const data = {
  token: '305805',
  token_hash: '7d5b7b1964cf5d388340a7f04f1dbb5eeb6c7b52ef8270e1737a58d0',
  redirect_to: 'https://app.example/welcome?a=1&b=2',
  site_url: `${SUPABASE}/auth/v1`,
}
const emailHook = (action: string, more: object = {}, of: object = user) => ({
  user: of,
  email_data: { ...data, email_action_type: action, ...more },
})
const hook =
  (name: string) =>
  async (payload: object, options: Partial<Parameters<typeof signed>[1]> = {}) => {
    const answer = await post(edge.url, signed(payload, { secrets: [NEW], ...options }), name)
    return { ...answer, type: answer.headers.get('content-type'), retry: answer.headers.get('retry-after') }
  }
const email = hook('auth-send-email-hook')
const sms = hook('auth-send-sms-hook')
const mails = () => provider.messages().toSorted((a, b) => String(a.to).localeCompare(String(b.to)))
const linkIn = (text = '') => new URL(/https:\/\/\S+/.exec(text)?.[0] ?? 'none:')

describe('the Send Email hook', () => {
  it.each([
    ['signup', 'Confirm your e-mail address'],
    ['invite', 'You are invited to LanOnasis'],
    ['magiclink', 'Your sign-in link'],
    ['email', 'Your sign-in link'],
    ['recovery', 'Reset your password'],
  ])('200 {} for %s: one mail with its link and its code, in text and HTML', async (action, subject) => {
    const answer = await email(emailHook(action))
    expect([answer.status, answer.body, answer.type]).toEqual([200, {}, 'application/json; charset=utf-8'])
    const [mail] = mails()
    expect([mail?.to, mail?.subject, mail?.code]).toEqual([['ada@example.com'], subject, '305805'])
    const link = linkIn(mail?.text)
    expect(link.origin + link.pathname).toBe(`${SUPABASE}/auth/v1/verify`)
    expect(Object.fromEntries(link.searchParams)).toEqual({
      token: data.token_hash,
      type: action,
      redirect_to: data.redirect_to,
    })
    expect(mail?.html).toContain(link.href.replaceAll('&', '&#38;'))
  })

  it.each([
    ['another project', 'https://other.supabase.co', 'https://other.supabase.co/auth/v1/verify'],
    ['a project without its path', 'https://project.supabase.co', 'https://project.supabase.co/auth/v1/verify'],
    ['a domain of its own', 'https://auth.app.example/', 'https://auth.app.example/auth/v1/verify'],
    ['another path', 'https://app.example/gotrue/', 'https://app.example/gotrue/verify'],
  ])('200 with a link to %s that has the same hook', async (_, site_url, expected) => {
    await email(emailHook('magiclink', { site_url }))
    const link = linkIn(mails()[0]?.text)
    expect(link.origin + link.pathname).toBe(expected)
  })

  it('200 with a link to our own page where the gateway asked for the mail', async () => {
    const answer = await email(emailHook('recovery', { redirect_to: 'https://auth.lanonasis.com/web/reset-password' }))
    expect(answer.status).toBe(200)
    const link = linkIn(mails()[0]?.text)
    expect(link.origin + link.pathname).toBe('https://auth.lanonasis.com/web/reset-password')
    expect(Object.fromEntries(link.searchParams)).toEqual({ token_hash: data.token_hash, type: 'recovery' })
  })

  it('200 with a code and no link for a confirmation, and with neither for a notification', async () => {
    expect((await email(emailHook('reauthentication', { token_hash: '' }))).status).toBe(200)
    expect(mails()[0]?.code).toBe('305805')
    expect(mails()[0]?.html).not.toContain('href=')
    provider.reset()
    for (const action of [
      ...['password_changed_notification', 'phone_changed_notification', 'mfa_factor_enrolled_notification'],
      ...['identity_linked_notification', 'identity_unlinked_notification', 'mfa_factor_unenrolled_notification'],
    ])
      expect((await email(emailHook(action, { token: '', token_hash: '', provider: 'github' }))).status).toBe(200)
    expect(mails()).toHaveLength(6)
    expect(mails().map(({ code }) => code)).toEqual(Array(6).fill(null))
    expect(mails().filter(({ text }) => text.includes('github'))).toHaveLength(4)
  })

  it('200 with a complete sentence when the provider or factor is unknown', async () => {
    for (const action of ['identity_linked_notification', 'mfa_factor_enrolled_notification'])
      expect((await email(emailHook(action, { token: '', token_hash: '' }))).status).toBe(200)
    const leads = mails().map(({ text }) => text.split('\n\n')[1])
    expect(leads.toSorted()).toEqual([
      'A second factor was added to your account at app.example.',
      'You can now sign in to your account at app.example with another account.',
    ])
  })

  it('200 with a neutral sentence for a kind of notification that is newer than this', async () => {
    expect((await email(emailHook('passkey_added_notification', { token: '', token_hash: '' }))).status).toBe(200)
    expect(mails().map(({ subject }) => subject)).toEqual(['Your account was changed'])
  })

  it('200 with the redirect to an application’s own scheme', async () => {
    await email(emailHook('magiclink', { redirect_to: 'com.example.app://login?x=1' }))
    expect(linkIn(mails()[0]?.text).searchParams.get('redirect_to')).toBe('com.example.app://login?x=1')
    expect(mails()[0]?.text).toContain('sign in to project.supabase.co')
  })

  it('200 for a user with much metadata', async () => {
    const large = { ...user, user_metadata: { locale: 'en', notes: 'x'.repeat(200_000) } }
    expect((await email(emailHook('magiclink', {}, large))).status).toBe(200)
  })

  it('200 to the previous address when the address was changed: an attacker cannot hide it', async () => {
    const answer = await email(emailHook('email_changed_notification', { old_email: 'before@example.com' }))
    expect(answer.status).toBe(200)
    expect(mails().map(({ to }) => to)).toEqual([['before@example.com']])
  })

  describe('a change of address', () => {
    const hashes = {
      token: '111111',
      token_new: '222222',
      token_hash: 'hash-for-new',
      token_hash_new: 'hash-for-current',
    }

    it.each(['new_email', 'email_new'])(
      '200 with two mails, each with what is its own though the names are crossed (%s)',
      async (name) => {
        const answer = await email(emailHook('email_change', hashes, { ...user, [name]: 'new@example.com' }))
        expect(answer.status).toBe(200)
        const found = mails().map(({ to, code, text }) => [to[0], code, linkIn(text).searchParams.get('token')])
        expect(found).toEqual([
          ['ada@example.com', '111111', 'hash-for-current'],
          ['new@example.com', '222222', 'hash-for-new'],
        ])
        expect(mails()[0]?.text).toContain('new@example.com')
      },
    )

    it('200 with one mail, to the new address, where the change is not a secure one', async () => {
      const change = { token: '111111', token_hash: 'hash-for-new', token_new: '', token_hash_new: '' }
      await email(emailHook('email_change', change, { ...user, new_email: 'new@example.com' }))
      expect(mails().map(({ to, code }) => [to[0], code])).toEqual([['new@example.com', '111111']])
    })
  })

  it.each([
    ['fr', 'Votre lien de connexion'],
    ['de-CH', 'Ihr Anmeldelink'],
    ['es', 'Su enlace de acceso'],
    ['pt_BR', 'A sua ligação de acesso'],
  ])('200 in the language of the user: %s', async (locale, subject) => {
    await email(emailHook('magiclink', {}, { ...user, user_metadata: { locale } }))
    expect(mails()[0]?.subject).toBe(subject)
    expect(mails()[0]?.text).not.toMatch(/\{\w+\}/)
  })

  it('200 for the secret being replaced, for signatures joined with a comma, and once for tries of the same thing', async () => {
    const payload = emailHook('magiclink', { token: '777777' })
    expect((await email(payload, { secrets: [OLD] })).status).toBe(200)
    expect((await email(payload, { secrets: [secret('x'), NEW], separator: ', ', ageSeconds: 1 })).status).toBe(200)
    const request = signed(payload, { secrets: [NEW], ageSeconds: 2 })
    for (let times = 0; times < 2; times++)
      expect((await post(edge.url, request, 'auth-send-email-hook')).status).toBe(200)
    expect(mails()).toHaveLength(1)
  })

  it('200 with a sentence for the user where the address takes nothing', async () => {
    provider.fault({ status: 422, name: 'validation_error', message: 'Invalid `to` field.' })
    expect((await email(emailHook('signup'))).body).toEqual({
      error: { http_code: 422, message: 'Messages cannot be delivered to this address. Please use another one.' },
    })
  })

  it('503 and 429 with Retry-After, so that Supabase tries again, and within three seconds', async () => {
    provider.fault({ status: 429, name: 'rate_limit_exceeded', retry_after: 1 })
    const limited = await email(emailHook('signup'))
    expect([limited.status, limited.retry]).toEqual([429, '1'])
    provider.fault({ delay_ms: 4_000 })
    const started = performance.now()
    const silent = await email(emailHook('signup', { token: '999999' }))
    expect([silent.status, silent.retry]).toEqual([503, '1'])
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  it.each<[number, string, object, Partial<Parameters<typeof signed>[1]>]>([
    [401, 'an unknown secret', emailHook('signup'), { secrets: [secret('x')] }],
    [401, 'a request of ten minutes ago', emailHook('signup'), { ageSeconds: 600 }],
    [400, 'an unknown action', emailHook('constructor'), {}],
    [400, 'no token', emailHook('signup', { token_hash: undefined }), {}],
    [400, 'a token with markup', emailHook('signup', { token_hash: '"><b>' }), {}],
    [400, 'no address', emailHook('signup', {}, { ...user, email: '' }), {}],
    [400, 'an address that turns text around', emailHook('signup', {}, { ...user, email: 'a\u202eb@c.example' }), {}],
    [400, 'an address with a line break', emailHook('signup', {}, { ...user, email: 'a@b.example\r\nbcc: c' }), {}],
    [400, 'a site that is none', emailHook('signup', { site_url: 'javascript:alert(1)' }), {}],
    [400, 'a change without the new address', emailHook('email_change'), {}],
    [400, 'a list', [], {}],
  ])('%i for %s, in the form that Supabase reads', async (status, _, payload, options) => {
    const answer = await email(payload, options)
    expect([answer.status, answer.body.error?.http_code, answer.type]).toEqual([
      status,
      status,
      'application/json; charset=utf-8',
    ])
    expect(answer.body.error?.message).toBeTruthy()
    expect(provider.requests).toEqual([])
  })

  it('a redirect that is no address is left out of the link', async () => {
    expect((await email(emailHook('signup', { redirect_to: 'javascript:alert(1)' }))).status).toBe(200)
    expect(linkIn(mails()[0]?.text).searchParams.has('redirect_to')).toBe(false)
  })
})

describe('the Send SMS hook', () => {
  const smsHook = (otp: string, more: object = {}, of: object = user) => ({ user: of, sms: { otp, ...more } })

  it.each([
    ['without a plus, as Supabase keeps it', {}, user, '+41791234567'],
    ['with a plus', {}, { ...user, phone: '+4915123456789' }, '+4915123456789'],
    ['that is being changed to', { phone: '41797654321' }, user, '+41797654321'],
  ])('200 {} with one text message to a number %s', async (_, more, of, to) => {
    const answer = await sms(smsHook('654321', more, of))
    expect([answer.status, answer.body]).toEqual([200, {}])
    expect(provider.messages().map((one) => one.to[0])).toEqual([to])
    expect(provider.messages()[0]?.text).toMatch(/^654321 is your LanOnasis code\. [^\n]*\n\n@app\.example #654321$/)
  })

  it('200 once for tries of the same thing', async () => {
    const payload = smsHook('246810')
    for (const ageSeconds of [2, 1, 0]) expect((await sms(payload, { ageSeconds })).status).toBe(200)
    expect(provider.messages()).toHaveLength(1)
  })

  it.each([
    ['a country that is not on the list', '447911123456'],
    ['a premium number', '41900123456'],
  ])('200 with a sentence for the user for %s', async (_, phone) => {
    const { status, body } = await sms(smsHook('654321', {}, { ...user, phone }))
    expect([status, body.error?.http_code, provider.requests]).toEqual([200, 422, []])
  })

  it.each([
    [400, 'no code', smsHook('')],
    [400, 'no number', smsHook('654321', {}, { ...user, phone: '' })],
    [400, 'a code with letters', smsHook('abc')],
  ])('%i for %s', async (status, _, payload) => {
    expect((await sms(payload)).status).toBe(status)
    expect(provider.requests).toEqual([])
  })

  it('401 for the secret of the other hook that is being replaced', async () => {
    expect((await sms(smsHook('654321'), { secrets: [OLD] })).status).toBe(401)
  })
})

it('the log holds no address, number, code or token', () => {
  expect(edge.output()).toContain('auth-send-email-hook')
  expect(edge.output()).not.toMatch(/@example\.com|791234567|305805|654321|7d5b7b19/)
})
