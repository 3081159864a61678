import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { api, directSignIn } from '../support/api-keys.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { codeOf, enrolTotp, giveRole } from '../support/operators.ts'
import { eventsWhere, openLimits } from '../support/rows.ts'
import {
  authorizeParams,
  createBrowser,
  newVerifier,
  passSignIn,
  post,
  postJson,
  signIn,
  type TestBrowser,
} from '../support/sign-in.ts'

const PAGE = '/web/second-factor'
const KEY = 'sb_publishable_test'
const PASSWORD = 'correct horse battery'
let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
beforeAll(async () => {
  supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY, send: () => {} })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({ env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: KEY } }))
beforeEach(() => openLimits(gateway))

const enrolled = async (email?: string) => {
  const person = await signIn(gateway, email)
  return { ...person, app: await enrolTotp(person) }
}
/** Enters the code that was mailed, in another browser; the page after that. */
const firstFactor = async (browser: TestBrowser, email: string, from = '/web/login?return_to=%2Faccount') => {
  await openLimits(gateway)
  return passSignIn(gateway, browser, await browser.visit(from), email)
}
const sessionsOf = (uai: string) => eventsWhere(gateway, { event_type: 'SessionStarted', subject: uai })
const rewind = (uai: string) =>
  gateway.sql`update auth_gateway.totp_authenticators set last_step = 0 where uai = ${uai}`

describe('at a browser', () => {
  test('the code by mail is not enough; with the code of the app the session has both factors and counts as stepped up', async () => {
    const { app, email, uai } = await enrolled()
    const browser = createBrowser(gateway)
    const before = (await sessionsOf(uai)).length
    const asked = await firstFactor(browser, email, '/web/login?return_to=%2Faccount%2Fagents')
    expect(asked.url).toContain(PAGE)
    expect([asked.status, browser.cookies.get('lanonasis_session')]).toEqual([200, undefined])
    expect((await sessionsOf(uai)).length).toBe(before)
    const done = await browser.submit(asked, { code: codeOf(app, 0) }, PAGE)
    expect(done).toMatchObject({ status: 200, url: `${gateway.url}/account/agents` })
    const [started] = (await sessionsOf(uai)).slice(-1)
    const events = (await eventsOf(gateway, 'session', started?.stream_id)).map(({ event_type }) => event_type)
    expect(events).toEqual(['SessionStarted', 'SessionSteppedUp'])
    expect((await browser.visit('/account/recovery-codes')).status).toBe(200)
    const [pending] = await eventsWhere(gateway, { event_type: 'SecondFactorRequired', subject: uai })
    const steps = await eventsOf(gateway, 'pending_sign_in', pending?.stream_id)
    expect(steps.map(({ event_type }) => event_type)).toEqual(['SecondFactorRequired', 'SecondFactorPresented'])
  })

  test('an application that asked for the sign-in gets acr and amr of both factors', async () => {
    const { app, email } = await enrolled()
    const browser = createBrowser(gateway)
    const verifier = newVerifier()
    const params = authorizeParams(verifier)
    const page = await firstFactor(browser, email, `/oauth/authorize?${new URLSearchParams(params)}`)
    let next = await browser.submit(page, { code: codeOf(app, 0) }, PAGE)
    if (!next.location) next = await browser.submit(next, { decision: 'allow' }, '/oauth/consent')
    const code = new URL(next.location ?? '').searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
    const { body } = await post(gateway, '/oauth/token', {
      ...form,
      client_id: params.client_id ?? '',
      redirect_uri: params.redirect_uri ?? '',
    })
    const claims = JSON.parse(Buffer.from(body.id_token.split('.')[1], 'base64url').toString())
    expect(claims).toMatchObject({ acr: 'urn:lanonasis:acr:multi-factor', amr: ['otp', 'mfa'] })
  })

  test('400 for a wrong code, which is counted; the right one works after it', async () => {
    const { app, email, uai } = await enrolled()
    const browser = createBrowser(gateway)
    const asked = await firstFactor(browser, email)
    const wrong = await browser.submit(asked, { code: '000000' }, PAGE)
    expect(wrong.status).toBe(400)
    expect(wrong.html).toContain('The code is wrong or has expired.')
    const [refused] = await eventsWhere(gateway, { event_type: 'TotpCodeRefused', subject: uai })
    expect(refused?.data).toMatchObject({ purpose: 'sign_in', failures: 1 })
    expect((await browser.submit(wrong, { code: codeOf(app, 0) }, PAGE)).url).toContain('/account')
  })

  test('a recovery code signs in without raising the assurance, and lets the person change their factors', async () => {
    const ada = await enrolled()
    const codes = await ada.browser.submit(
      await ada.browser.visit('/account/recovery-codes'),
      {},
      '/account/recovery-codes',
    )
    const [code = ''] = /[B-DF-HJ-NP-TV-XZ2-9]{4}(-[B-DF-HJ-NP-TV-XZ2-9]{4}){2}/.exec(codes.html) ?? []
    const browser = createBrowser(gateway)
    const asked = await firstFactor(browser, ada.email)
    const other = await browser.visit(`${asked.url}&kind=recovery_code`)
    const done = await browser.submit(other, { code }, PAGE)
    expect(done.url).toContain('/account')
    expect((await browser.visit('/account/totp')).status).toBe(200)
    const [started] = (await sessionsOf(ada.uai)).slice(-1)
    const events = (await eventsOf(gateway, 'session', started?.stream_id)).map(({ event_type }) => event_type)
    expect(events).toEqual(['SessionStarted', 'SessionRecovered'])
  })

  test('another browser cannot continue a sign-in, whatever address it opens', async () => {
    const { email } = await enrolled()
    const asked = await firstFactor(createBrowser(gateway), email)
    expect((await createBrowser(gateway).visit(asked.url)).url).toContain('/web/login')
  })

  test('20 equal submissions of different tabs at once start one session', async () => {
    const { app, email, uai } = await enrolled()
    const browser = createBrowser(gateway)
    const asked = await firstFactor(browser, email)
    const before = (await sessionsOf(uai)).length
    let n = 0
    await Promise.all(
      Array.from({ length: 20 }, () => browser.submit(asked, { code: codeOf(app, 0), n: String(n++) }, PAGE)),
    )
    expect((await sessionsOf(uai)).length).toBe(before + 1)
  })

  test('a second click on the code of the mail leads to the same page', async () => {
    const { email } = await enrolled()
    const browser = createBrowser(gateway)
    await openLimits(gateway)
    const codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
    const code = gateway.inbox.codeFor(email)
    const first = await browser.submit(codePage, { code }, '/web/code')
    const again = await browser.submit(codePage, { code }, '/web/code')
    expect([first.url.includes(PAGE), again.url]).toEqual([true, first.url])
  })
})

describe('a remembered device', () => {
  const remember = async ({ app, email }: Awaited<ReturnType<typeof enrolled>>, browser = createBrowser(gateway)) => {
    const asked = await firstFactor(browser, email)
    await browser.submit(asked, { code: codeOf(app, 0), remember: '1' }, PAGE)
    browser.cookies.delete('lanonasis_session')
    return browser
  }

  test('is not asked again, raises nothing, and is listed with a button that forgets it', async () => {
    const ada = await enrolled()
    const browser = await remember(ada)
    const page = await firstFactor(browser, ada.email)
    expect(page.url).toContain('/account')
    expect((await browser.visit('/account/devices')).html).toContain('Remembered devices')
    const [started] = (await sessionsOf(ada.uai)).slice(-1)
    expect(started?.data).toMatchObject({ acr: 'urn:lanonasis:acr:verified-address', amr: ['otp'] })
    expect((await browser.visit('/account/totp')).url).toContain('/web/step-up')
    const forgotten = await browser.submit(await browser.visit('/account/devices'), {}, '/account/devices/forget')
    expect(forgotten.html).toContain('That device is asked for a code again.')
    browser.cookies.delete('lanonasis_session')
    expect((await firstFactor(browser, ada.email)).url).toContain(PAGE)
  })

  test('is remembered for the person who chose it, in that browser only', async () => {
    const [ada, ben] = [await enrolled(), await enrolled()]
    const browser = await remember(ada)
    expect((await firstFactor(browser, ben.email)).url).toContain(PAGE)
    expect((await firstFactor(createBrowser(gateway), ada.email)).url).toContain(PAGE)
  })

  test('is forgotten when the factors change, and after a recovery', async () => {
    const ada = await enrolled()
    const browser = await remember(ada)
    const account = await ada.browser.visit('/account/sign-in')
    await ada.browser.submit(account, {}, '/account/totp/remove')
    const [forgotten] = await eventsWhere(gateway, { event_type: 'DeviceForgotten', subject: ada.uai })
    expect(forgotten?.data).toEqual({ reason: 'factors_changed' })
    await enrolTotp(ada)
    expect((await firstFactor(browser, ada.email)).url).toContain(PAGE)
  })

  test('does not spare operators', async () => {
    const ada = await enrolled()
    const browser = await remember(ada)
    await giveRole(gateway, ada.uai, 'admin')
    expect((await firstFactor(browser, ada.email)).url).toContain(PAGE)
  })
})

/** What signs in without a page, for a person of Supabase with this address. Each answers with a refusal. */
type Door = (person: { email: string }) => Promise<{ status: number; body: Record<string, unknown> }>
const mailed = async (email: string) => {
  await openLimits(gateway)
  await postJson(gateway, '/v1/auth/otp/send', { email })
  return gateway.inbox.codeFor(email)
}
const JSON_ONLY = { accept: 'application/json' }
const DOORS: Record<string, Door> = {
  '/v1/auth/otp/verify': async ({ email }) =>
    postJson(gateway, '/v1/auth/otp/verify', { email, token: await mailed(email), platform: 'cli' }),
  '/v1/auth/otp/verify at a browser': async ({ email }) =>
    postJson(gateway, '/v1/auth/otp/verify', { email, token: await mailed(email), platform: 'web' }),
  '/v1/auth/login': ({ email }) => postJson(gateway, '/v1/auth/login', { email, password: PASSWORD }),
  '/auth/cli-login': ({ email }) => postJson(gateway, '/auth/cli-login', { email, password: PASSWORD }, JSON_ONLY),
  '/mcp/auth': ({ email }) => postJson(gateway, '/mcp/auth', { email, password: PASSWORD }, JSON_ONLY),
  '/v1/auth/magic-link/exchange': async ({ email }) => {
    await openLimits(gateway)
    const redirect_uri = 'http://localhost:8899/callback'
    await postJson(gateway, '/v1/auth/magic-link', { email, redirect_uri, platform: 'cli' })
    const browser = createBrowser(gateway)
    const { location = '' } = await browser.submit(await browser.visit(gateway.inbox.linkFor(email)), {})
    const { code, state } = Object.fromEntries(new URL(location).searchParams)
    return postJson(gateway, '/v1/auth/magic-link/exchange', { state }, { authorization: `Bearer ${code}` })
  },
}

/** A person whose address and Supabase account are linked, with an app. */
async function inEveryWay() {
  const email = newEmail('mfa')
  supabase.add({ email, password: PASSWORD, confirmed: true, metadata: {} })
  await directSignIn(gateway, email)
  await openLimits(gateway)
  await postJson(gateway, '/v1/auth/login', { email, password: PASSWORD })
  return enrolled(email)
}

describe('for a program', () => {
  test.each(Object.keys(DOORS))(
    '403 MFA_REQUIRED at %s with a token of one use, and no session; then the pair',
    async (name) => {
      const person = await inEveryWay()
      const before = (await sessionsOf(person.uai)).length
      const { status, body } = (await DOORS[name]?.(person)) ?? {}
      expect([status, body?.code]).toEqual([403, 'MFA_REQUIRED'])
      expect(body).toMatchObject({
        mfa_token: expect.any(String),
        mfa_methods: ['totp', 'recovery_code'],
        page: `${gateway.gateway.issuer}/web/login`,
      })
      expect(Object.keys(body ?? {})).not.toContain('access_token')
      expect((await sessionsOf(person.uai)).length).toBe(before)
      const { mfa_token } = body as { mfa_token: string }
      const wrong = await postJson(gateway, '/v1/auth/mfa/verify', { mfa_token, code: '000000' })
      expect([wrong.status, wrong.body.code]).toEqual([400, 'OTP_INVALID'])
      const code = codeOf(person.app, 0)
      const right = await postJson(gateway, '/v1/auth/mfa/verify', { mfa_token, code })
      expect(right.body).toMatchObject({ access_token: expect.any(String), user: { id: person.uai } })
      await rewind(person.uai)
      const again = await postJson(gateway, '/v1/auth/mfa/verify', { mfa_token, code })
      expect([again.status, again.body.code]).toEqual([400, 'MFA_EXPIRED'])
    },
  )

  test('403 where a device is approved with a code, and the device is connected after the second factor', async () => {
    const person = await enrolled()
    const { body: device } = await post(gateway, '/oauth/device', { client_id: 'lanonasis-cli' })
    const { user_code, device_code } = device
    await openLimits(gateway)
    await postJson(gateway, '/oauth/device/verify', { user_code, email: person.email })
    const otp_code = gateway.inbox.codeFor(person.email)
    const refused = await postJson(gateway, '/oauth/device/authorize', { user_code, email: person.email, otp_code })
    expect([refused.status, refused.body.error]).toEqual([403, 'interaction_required'])
    expect(refused.body.page).toBe(`${gateway.gateway.issuer}/oauth/device`)
    const { mfa_token } = refused.body
    const done = await postJson(gateway, '/v1/auth/mfa/verify', { mfa_token, code: codeOf(person.app, 0) })
    expect(done.body).toMatchObject({ success: true })
    const poll = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code, client_id: 'lanonasis-cli' }
    expect((await post(gateway, '/oauth/token', poll)).body.access_token).toEqual(expect.any(String))
  })

  test('403 for a foreign page that would sign a browser in with a token of its own', async () => {
    const person = await inEveryWay()
    const { body } = (await DOORS['/v1/auth/otp/verify at a browser']?.(person)) ?? {}
    const foreign = { origin: 'https://evil.example' }
    const code = codeOf(person.app, 0)
    const answer = await postJson(gateway, '/v1/auth/mfa/verify', { mfa_token: body?.mfa_token, code }, foreign)
    expect([answer.status, answer.body.code, answer.headers.getSetCookie()]).toEqual([403, 'CSRF_INVALID', []])
  })

  test('20 at once with one token: one pair', async () => {
    const person = await inEveryWay()
    const { body } = (await DOORS['/v1/auth/otp/verify']?.(person)) ?? {}
    const { mfa_token } = body as { mfa_token: string }
    const code = codeOf(person.app, 0)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => postJson(gateway, '/v1/auth/mfa/verify', { mfa_token, code })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('400 for a token that is none, or is of another purpose', async () => {
    const { token } = await directSignIn(gateway)
    for (const mfa_token of ['nonsense', token])
      expect((await postJson(gateway, '/v1/auth/mfa/verify', { mfa_token, code: '123456' })).body.code).toBe(
        'MFA_EXPIRED',
      )
  })

  test('400 for a token after ten minutes', async () => {
    const person = await inEveryWay()
    const { body } = (await DOORS['/v1/auth/otp/verify']?.(person)) ?? {}
    await gateway.sql`update auth_gateway.pending_sign_ins set expires_at = now() where uai = ${person.uai}`
    const before = (await sessionsOf(person.uai)).length
    const late = { mfa_token: body?.mfa_token, code: codeOf(person.app, 0) }
    const answer = await postJson(gateway, '/v1/auth/mfa/verify', late)
    expect([answer.status, answer.body.code]).toEqual([400, 'MFA_EXPIRED'])
    expect((await sessionsOf(person.uai)).length).toBe(before)
  })

  test('a token of Supabase with aal2 counts; without it the session is for everyday use', async () => {
    const person = await inEveryWay()
    const user = [...supabase.users.values()].find(({ email }) => email === person.email)
    if (!user) throw new Error('no such user')
    const exchange = async ({ aal }: { aal: 'aal1' | 'aal2' }) => {
      const { access_token: token } = await supabase.session({ ...user, aal })
      return api(gateway, 'POST', '/v1/auth/token/exchange', { token, body: { platform: 'cli' } })
    }
    const acrOf = async () => (await sessionsOf(person.uai)).at(-1)?.data.acr
    expect((await exchange({ aal: 'aal1' })).status).toBe(200)
    expect(await acrOf()).toBe('urn:lanonasis:acr:federated')
    expect((await exchange({ aal: 'aal2' })).status).toBe(200)
    expect(await acrOf()).toBe('urn:lanonasis:acr:multi-factor')
  })
})

test('every function that completes a sign-in has its doors here, or asserts why it asks for no second factor', () => {
  const folder = new URL('../../netlify/functions/', import.meta.url)
  const completes =
    /\b(completeSignIn|signInDirectly|enterCode|signInWithoutMail|completeHeld|finishFlow|exchangeAssertion)\b/
  const found = readdirSync(folder).filter((name) => completes.test(readFileSync(new URL(name, folder), 'utf8')))
  expect(found.sort()).toEqual([
    'cli.ts',
    'device-by-code.ts',
    'magic-link.ts',
    'mfa.ts',
    'oauth-token.ts',
    'otp.ts',
    'passkeys.ts',
    'password.ts',
    'saml.ts',
    'sso.ts',
    'token-exchange.ts',
    'web-password.ts',
    'web-second-factor.ts',
    'web-without-mail.ts',
    'web.ts',
  ])
})
