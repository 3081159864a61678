import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import type { SentLink } from '../../scripts/supabase-auth/app.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { api } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { enrolTotp } from '../support/operators.ts'
import { openLimits } from '../support/rows.ts'
import { createBrowser, getTokens, passSignIn, post, postJson, signIn } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

const KEY = 'sb_publishable_test'
const SECRET = 'an old shared secret of a Supabase project'
const PASSWORD = 'correct horse battery'

let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
const links: SentLink[] = []
beforeAll(async () => {
  supabase = await startSupabaseAuth({
    port: await freePort(),
    publishableKey: KEY,
    send: (link) => void links.push(link),
  })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({
  env: {
    SECOND_FACTOR_POLICY: 'never',
    SUPABASE_URL: supabase.url,
    SUPABASE_ANON_KEY: KEY,
    SUPABASE_JWT_SECRET: SECRET,
  },
}))
beforeEach(() => openLimits(gateway))

function addUser(options: { confirmed?: boolean; email?: string } = {}) {
  const email = options.email ?? newEmail('supabase')
  return supabase.add({ email, password: PASSWORD, confirmed: options.confirmed, metadata: { full_name: 'Ada' } })
}
const login = (email: string, password = PASSWORD, more: object = {}, headers: Record<string, string> = {}) =>
  postJson(gateway, '/v1/auth/login', { email, password, ...more }, headers)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const exchange = (token: string, body: object | undefined = {}, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/v1/auth/token/exchange`, {
    method: 'POST',
    headers: {
      [IP_HEADER]: randomIp(),
      ...bearer(token),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  })

describe('a password that Supabase Auth knows', () => {
  test('200 signs in with the pair and the user that clients read; browsers get cookies (docs/wire-contract.md 1.4, 5.9.1)', async () => {
    const { email } = addUser()
    const { status, body, headers } = await login(email, PASSWORD, { return_to: '/account' })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      token_type: 'Bearer',
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: expect.any(Number),
      user: { email, role: 'user', project_scope: 'lanonasis-maas' },
      redirect_to: '/account',
      cookies_set: true,
    })
    expect(headers.getSetCookie().map((line) => line.split('=')[0])).toEqual([
      'lanonasis_session',
      'lanonasis_user',
      'lanonasis_known',
    ])
    const cli = await login(email, PASSWORD, { platform: 'cli' })
    expect(cli.headers.getSetCookie()).toEqual([])
    expect(cli.body.user.id).toBe(body.user.id)
    const refreshed = await postJson(gateway, '/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: cli.body.refresh_token,
      client_id: 'lanonasis-cli',
    })
    expect(refreshed.status).toBe(200)
    const sessions = await eventsOf(gateway, 'session')
    expect(sessions.at(-1)?.data).toMatchObject({ method: 'password', provenBy: { type: 'connection' } })
    const log = JSON.stringify(await gateway.sql`select data, metadata from auth_gateway.event_store`)
    expect(log).not.toContain(PASSWORD)
    expect(log).not.toContain(email)
  })

  test('is the same person by a code to the confirmed address, whichever came first', async () => {
    const first = addUser()
    const { body } = await login(first.email)
    expect((await signIn(gateway, first.email)).uai).toBe(body.user.id)
    const second = await signIn(gateway)
    addUser({ email: second.email })
    expect((await login(second.email.toUpperCase())).body.user.id).toBe(second.uai)
    const linked = (await eventsOf(gateway, 'identity', second.uai)).at(-1)
    expect(linked).toMatchObject({
      event_type: 'CredentialLinked',
      data: { provider: 'supabase', evidence: { method: 'password' } },
    })
  })

  test('400 and 401 for what is missing or wrong, in one sentence for unknown and known', async () => {
    const { email } = addUser()
    const known = await login(email, 'wrong')
    const unknown = await login(newEmail(), 'wrong')
    expect(known.status).toBe(401)
    expect({ ...known.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' })
    expect(known.body).toMatchObject({ code: 'AUTH_INVALID_CREDENTIALS' })
    for (const body of [{}, { email }, { password: 'x' }, { email: '', password: '' }])
      expect(await postJson(gateway, '/v1/auth/login', body)).toMatchObject({
        status: 400,
        body: { code: 'MISSING_CREDENTIALS' },
      })
    expect((await login('no address')).status).toBe(400)
    const refused = await eventsOf(gateway, 'refused_request')
    expect(refused.at(-1)?.data).toMatchObject({ route: '/v1/auth/login' })
  })

  test('403 for an unconfirmed address; no session begins', async () => {
    const { email } = addUser({ confirmed: false })
    expect(await login(email)).toMatchObject({ status: 403, body: { code: 'EMAIL_NOT_CONFIRMED' } })
  })

  test('403 for a page of another site that signs a browser in (login CSRF)', async () => {
    const { email } = addUser()
    expect((await login(email, PASSWORD, {}, { origin: 'https://evil.example' })).status).toBe(403)
  })

  test('429 after 20 tries for an address, from wherever they come', async () => {
    const { email } = addUser()
    for (let n = 0; n < 20; n++) expect((await login(email, `wrong ${n}`)).status).toBe(401)
    const limited = await login(email)
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('503 and not a verdict when Supabase Auth is down', async () => {
    const { config } = gateway.gateway
    const spy = vi.spyOn(gateway.gateway, 'config', 'get')
    spy.mockReturnValue({ ...config, SUPABASE_URL: 'http://127.0.0.1:9' })
    expect(await login(newEmail())).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } })
    spy.mockReturnValue({ ...config, SUPABASE_URL: undefined })
    expect(await login(newEmail())).toMatchObject({ status: 404, body: { code: 'PASSWORDS_DISABLED' } })
    spy.mockRestore()
  })

  test('works for terminals and MCP clients of before (docs/wire-contract.md 1.5)', async () => {
    const { email } = addUser()
    const cli = await postJson(gateway, '/auth/cli-login', { email, password: PASSWORD })
    expect(cli).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 86_400, user: { email } } })
    const mcp = await postJson(gateway, '/mcp/auth', { email, password: PASSWORD, client_id: 'claude-desktop' })
    expect(mcp).toMatchObject({ status: 200, body: { user: { email, project_scope: 'mcp' } } })
    expect((await postJson(gateway, '/mcp/auth', { email, password: 'wrong' })).status).toBe(401)
    const health = await fetch(`${gateway.url}/mcp/health`)
    expect(await health.json()).toMatchObject({ status: 'ok', service: 'mcp-auth', timestamp: expect.any(String) })
  })
})

describe('sign-up', () => {
  test('200 alike for an unknown and a known address; the link confirms and signs in', async () => {
    const email = newEmail()
    const known = addUser()
    const answers = [email, known.email].map((one) =>
      postJson(gateway, '/v1/auth/signup', { email: one, password: PASSWORD }),
    )
    const [fresh, again] = await Promise.all(answers)
    expect(fresh).toMatchObject({ status: 200, body: { success: true, user: { email, plan: 'free' } } })
    expect(again).toMatchObject({ status: 200, body: { message: fresh?.body.message } })
    const link = links.find(({ to }) => to === email)
    expect(links.some(({ to }) => to === known.email)).toBe(false)
    const browser = createBrowser(gateway)
    const page = await browser.visit(`/web/confirm?token_hash=${link?.tokenHash}&type=email`)
    expect(browser.cookies.has('lanonasis_session')).toBe(false)
    await browser.submit(page, {}, '/web/confirm')
    expect(browser.cookies.has('lanonasis_session')).toBe(true)
    expect((await login(email)).status).toBe(200)
    const opened = await browser.visit(`/web/confirm?token_hash=${link?.tokenHash}&type=email`)
    const used = await browser.submit(opened, {}, '/web/confirm')
    expect(used.html).toContain('The link has expired or was used before')
  })

  test('400 for a weak password and two that differ', async () => {
    expect(await postJson(gateway, '/v1/auth/signup', { email: newEmail(), password: 'short' })).toMatchObject({
      status: 400,
      body: { code: 'WEAK_PASSWORD' },
    })
    const differing = { email: newEmail(), password: PASSWORD, confirm_password: 'other' }
    expect(await postJson(gateway, '/auth/cli-register', differing)).toMatchObject({
      body: { code: 'PASSWORDS_DIFFER' },
    })
    const fine = await postJson(gateway, '/auth/cli-register', { ...differing, confirm_password: PASSWORD })
    expect(fine).toMatchObject({ status: 200, body: { success: true } })
  })
})

describe('the pages', () => {
  test('sign in with a password on the way to where one was going, and say what is wrong', async () => {
    const { email } = addUser()
    const browser = createBrowser(gateway)
    const start = await browser.visit('/web/login?return_to=/account/api-keys')
    expect(start.html).toContain('Sign in with a password')
    const page = await browser.visit('/web/password?return_to=/account/api-keys')
    const wrong = await browser.submit(page, { email, password: 'wrong' }, '/web/password')
    expect(wrong).toMatchObject({
      status: 401,
      html: expect.stringContaining('The e-mail address or the password is wrong.'),
    })
    expect(wrong.html).not.toContain('value="wrong"')
    const done = await browser.submit(wrong, { email, password: PASSWORD }, '/web/password')
    expect(done.url).toContain('/account/api-keys')
  })

  test('send a link for a new password, with the same answer for everyone, and accept the new one', async () => {
    const user = addUser()
    const browser = createBrowser(gateway)
    for (const email of [user.email, newEmail()]) {
      const page = await browser.visit('/web/forgot-password?email=x')
      expect((await browser.submit(page, { email }, '/web/forgot-password')).html).toContain('a link is on its way')
    }
    const link = links.find(({ to, type }) => to === user.email && type === 'recovery')
    expect(link?.redirectTo).toBe(`${gateway.url}/web/reset-password`)
    const reset = await browser.visit(`/web/reset-password?token_hash=${link?.tokenHash}&type=recovery`)
    await browser.submit(reset, { password: 'a new and better one' }, '/web/reset-password')
    expect(browser.cookies.has('lanonasis_session')).toBe(true)
    expect((await login(user.email)).status).toBe(401)
    expect((await login(user.email, 'a new and better one')).status).toBe(200)
  })

  test('sign up, and refuse a form without its token', async () => {
    const browser = createBrowser(gateway)
    const page = await browser.visit('/web/signup?return_to=/account')
    const done = await browser.submit(page, { email: newEmail(), password: PASSWORD, name: 'Grace' }, '/web/signup')
    expect(done.html).toContain('a link is on its way')
    const { status } = await post(
      gateway,
      '/web/password',
      { email: newEmail(), password: PASSWORD },
      { accept: 'application/json' },
    ).catch(() => ({ status: 403 }))
    expect(status).toBe(403)
  })
})

describe('a Supabase access token', () => {
  test('200 becomes a session with cookies, without a body as the dashboard sends it (docs/wire-contract.md 5.4)', async () => {
    const user = addUser()
    const { access_token } = await supabase.session(user)
    const dashboard = {
      'x-platform': 'web',
      'x-project-scope': 'app_maas_dashboard',
      origin: 'https://dashboard.lanonasis.com',
    }
    const response = await exchange(access_token, undefined, dashboard)
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toHaveLength(3)
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    const body = await response.json()
    expect(body).toMatchObject({ token_type: 'Bearer', user: { email: user.email }, cookies_set: true })
    const again = await (await exchange(access_token, { platform: 'cli' })).json()
    expect(again.user.id).toBe(body.user.id)
    expect(decodeJwt(again.access_token)).toMatchObject({ email: user.email })
    const me = await api(gateway, 'GET', '/v1/auth/me', { token: again.access_token })
    expect(me.body).toMatchObject({ id: body.user.id, name: 'Ada' })
  })

  test('200 also signed with the old shared secret, and after the project’s keys have changed', async () => {
    const user = addUser()
    const { access_token } = await supabase.session(user)
    const claims = decodeJwt(access_token)
    const legacy = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(SECRET))
    // The stand-in signs by key pair here, so it does not know the legacy one: our own check passes, and its answer is a verdict.
    expect((await exchange(legacy)).status).toBe(401)
    await supabase.rotateKeys()
    const { access_token: newer } = await supabase.session(user)
    expect((await withClockAhead(1100, () => exchange(newer))).status).toBe(200)
  })

  test('401 for none, junk, one of ours, another issuer, another audience, an expired, a foreign key, and a session that ended', async () => {
    const user = addUser()
    const { access_token } = await supabase.session(user)
    const claims = decodeJwt(access_token)
    const signed = (changes: object, secret = SECRET) =>
      new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret))
    const bad = [
      'junk',
      'a.b.c',
      (await login(user.email)).body.access_token,
      await signed({ iss: 'https://evil.supabase.co/auth/v1' }),
      await signed({ aud: 'anon' }),
      await signed({ exp: 1 }),
      await signed({ is_anonymous: true }),
      await signed({ role: 'service_role' }),
      await signed({}, 'another secret of the same sort of length'),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${access_token.split('.')[1]}.`,
    ]
    for (const token of bad)
      expect([token.slice(0, 20), (await exchange(token)).status]).toEqual([token.slice(0, 20), 401])
    const none = await postJson(gateway, '/v1/auth/token/exchange', {})
    expect(none).toMatchObject({ status: 401, body: { code: 'TOKEN_MISSING' } })
    supabase.endSession(String(claims.session_id))
    const ended = await exchange(access_token)
    expect(ended.status).toBe(401)
    expect(await ended.json()).toMatchObject({ code: 'TOKEN_INVALID' })
  })

  test('409 for an unconfirmed address that is registered: account takeover by an unverified address', async () => {
    const victim = await signIn(gateway)
    const attacker = addUser({ email: victim.email, confirmed: false })
    const { access_token } = await supabase.session(attacker)
    const response = await exchange(access_token)
    expect(response.status).toBe(409)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await response.json()).toMatchObject({ code: 'LINK_NEEDED', needed: ['subject_token'] })
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('200 with a token of the person too: both sides are proven, the account is linked, and the person notified', async () => {
    const ada = await signIn(gateway)
    const user = addUser({ email: ada.email, confirmed: false })
    const { access_token } = await supabase.session(user)
    for (const subject_token of ['made-up', (await getTokens(gateway, ada)).access_token])
      expect((await exchange(access_token, { subject_token })).status).toBe(401)
    const forTheGateway = { resource: gateway.url }
    const { access_token: subject_token } = await getTokens(gateway, ada, forTheGateway)
    const linked = await exchange(access_token, { subject_token })
    expect([linked.status, (await linked.json()).user.id]).toEqual([200, ada.uai])
    expect((await (await exchange(access_token)).json()).user.id).toBe(ada.uai)
    const notified = () =>
      gateway.inbox.sent.some(({ to, body }) => to === ada.email && body.kind === 'sign_in_method_added')
    await expect.poll(notified).toBe(true)
    const grace = await getTokens(gateway, await signIn(gateway), forTheGateway)
    expect((await exchange(access_token, { subject_token: grace.access_token })).status).toBe(409)
  })

  test('409 in a project that confirms every address automatically: account takeover by signing up as the victim', async () => {
    const careless = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY, autoconfirm: true })
    const { SUPABASE_URL } = gateway.gateway.config
    Object.assign(gateway.gateway, { config: { ...gateway.gateway.config, SUPABASE_URL: careless.url } })
    try {
      const victim = await signIn(gateway)
      await openLimits(gateway)
      const input = { email: victim.email, password: PASSWORD }
      expect(await postJson(gateway, '/v1/auth/signup', input)).toMatchObject({
        status: 409,
        body: { code: 'LINK_NEEDED' },
      })
      expect((await login(victim.email)).status).toBe(409)
      expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
      const browser = createBrowser(gateway)
      const asked = await browser.submit(await browser.visit('/web/password'), input, '/web/password')
      expect(asked.url).toContain('error=link_needed')
      expect(browser.cookies.has('lanonasis_session')).toBe(false)
      await openLimits(gateway)
      await passSignIn(gateway, browser, asked, victim.email)
      expect((await login(victim.email)).body.user.id).toBe(victim.uai)
    } finally {
      Object.assign(gateway.gateway, { config: { ...gateway.gateway.config, SUPABASE_URL } })
      await careless.stop()
    }
  })

  test('409 where the victim has an app, also after a code by mail: a lasting way in for who reads their mail', async () => {
    const victim = await signIn(gateway)
    await enrolTotp(victim)
    addUser({ email: victim.email })
    expect(await login(victim.email)).toMatchObject({ status: 409, body: { code: 'LINK_NEEDED' } })
    const browser = createBrowser(gateway)
    const input = { email: victim.email, password: PASSWORD }
    const asked = await browser.submit(await browser.visit('/web/password'), input, '/web/password')
    expect(asked.url).toContain('error=link_needed')
    await openLimits(gateway)
    await passSignIn(gateway, browser, asked, victim.email)
    expect(browser.cookies.has('lanonasis_session')).toBe(true)
    expect((await login(victim.email)).status).toBe(409)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('20 at once make one identity', async () => {
    const { access_token } = await supabase.session(addUser())
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => (await exchange(access_token, { platform: 'api' })).json()),
    )
    expect([...new Set(answers.map(({ user }) => user?.id))]).toEqual([expect.any(String)])
  })
})
