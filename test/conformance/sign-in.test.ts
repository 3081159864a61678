import { expect, test } from 'vitest'
import { eventsOf, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits, sessionIdOf } from '../support/rows.ts'
import { authorizeParams, createBrowser, newVerifier, passSignIn, postJson, signIn } from '../support/sign-in.ts'

const gateway = useGateway()

const send = (email: string, ip = randomIp()) => postJson(gateway, '/v1/auth/otp/send', { email }, { 'x-real-ip': ip })
const verify = (email: string, token: string, ip = randomIp()) =>
  postJson(gateway, '/v1/auth/otp/verify', { email, token }, { 'x-real-ip': ip })
const me = (headers: Record<string, string>) => fetch(`${gateway.url}/v1/auth/me`, { headers })

test('S1 a code has six digits and lives ten minutes', async () => {
  const email = newEmail()
  expect((await send(email)).body).toMatchObject({ success: true, expires_in: 600 })
  expect(gateway.inbox.codeFor(email)).toMatch(/^\d{6}$/)
  const [row] = await gateway.sql`
    select extract(epoch from expires_at - now())::int as seconds from auth_gateway.otp_challenges order by id desc limit 1`
  expect(row?.seconds).toBeGreaterThan(590)
  expect(row?.seconds).toBeLessThanOrEqual(600)
})

test('S1 codes are spread over all million', async () => {
  for (let n = 0; n < 30; n++) await send(newEmail())
  const first = new Set(gateway.inbox.sent.map(({ code }) => code[0]))
  expect(first.size).toBeGreaterThan(4)
})

test('S1 one success only', async () => {
  const email = newEmail()
  await send(email)
  const code = gateway.inbox.codeFor(email)
  expect((await verify(email, code)).status).toBe(200)
  expect((await verify(email, code)).body.code).toBe('OTP_INVALID')
})

test('S1 a code belongs to the browser that asked', async () => {
  const email = newEmail()
  const browser = createBrowser(gateway)
  const codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  expect((await verify(email, gateway.inbox.codeFor(email))).body.code).toBe('OTP_INVALID')
  const stranger = createBrowser(gateway)
  await stranger.visit('/web/login')
  const code = gateway.inbox.codeFor(email)
  expect((await stranger.submit(codePage, { code }, '/web/code')).status).toBe(403)
  expect((await browser.submit(codePage, { code }, '/web/code')).location).toBeDefined()
})

test('S2 five wrong tries end a code', async () => {
  const [email, ip] = [newEmail(), randomIp()]
  await send(email, ip)
  const right = gateway.inbox.codeFor(email)
  const wrong = right === '000000' ? '111111' : '000000'
  for (let tries = 0; tries < 5; tries++) expect((await verify(email, wrong, ip)).body.code).toBe('OTP_INVALID')
  expect((await verify(email, right, ip)).body.code).toBe('OTP_INVALID')
})

test('S3 only a keyed hash is stored, and a try is counted with its outcome', async () => {
  const [email, ip] = [newEmail(), randomIp()]
  await send(email, ip)
  const code = gateway.inbox.codeFor(email)
  const { id = '' } = gateway.inbox.sent.find(({ to }) => to === email) ?? {}
  await verify(email, code === '000000' ? '111111' : '000000', ip)
  const events = await eventsOf(gateway, 'otp_challenge', id)
  expect(events.map(({ event_type }) => event_type)).toEqual(['OtpChallengeIssued', 'OtpAttemptFailed'])
  const stored = JSON.stringify(events)
  expect(events[0]?.data.codeHash).toMatch(/^[0-9a-f]{64}$/)
  expect(stored).not.toContain(`"${code}"`)
  expect(stored).not.toContain(email)
})

test('S4 one code per address in thirty seconds, and a wait in the refusal', async () => {
  const email = newEmail()
  await send(email)
  const again = await send(email.toUpperCase())
  expect(again).toMatchObject({ status: 429, body: { code: 'OTP_RATE_LIMITED', retry_after: expect.any(Number) } })
  expect(Number(again.headers.get('retry-after'))).toBe(again.body.retry_after)
  expect(again.body.retry_after).toBeGreaterThan(25)
  expect(again.body.retry_after).toBeLessThanOrEqual(30)
})

test('S4 one caller may ask for thirty codes an hour', async () => {
  const ip = randomIp()
  for (let n = 0; n < 30; n++) expect((await send(newEmail(), ip)).status).toBe(200)
  expect((await send(newEmail(), ip)).status).toBe(429)
})

test('S5 the answer is the same for people with and without an account, and for wrong codes of both', async () => {
  const known = (await signIn(gateway)).email
  await openLimits(gateway)
  const [first, second] = [await send(known), await send(newEmail())]
  expect([first.status, first.text]).toEqual([second.status, second.text])
  const [third, fourth] = [await verify(known, '12345x'), await verify(newEmail(), '12345x')]
  expect([third.status, third.text]).toEqual([fourth.status, fourth.text])
})

test('S9 a sign-in gets a new session id, and the old one ends', async () => {
  const one = await signIn(gateway)
  const before = one.browser.cookies.get('lanonasis_session') ?? ''
  await openLimits(gateway)
  await passSignIn(gateway, one.browser, await one.browser.visit('/web/login?prompt=login'), one.email)
  const after = one.browser.cookies.get('lanonasis_session') ?? ''
  expect(after).not.toBe(before)
  expect((await me({ cookie: `lanonasis_session=${before}` })).status).toBe(401)
  expect((await me({ cookie: `lanonasis_session=${after}` })).status).toBe(200)
})

test('S9 a planted session id is not accepted', async () => {
  const browser = createBrowser(gateway)
  const planted = 'A'.repeat(64)
  browser.cookies.set('lanonasis_session', planted)
  await passSignIn(gateway, browser, await browser.visit('/web/login'), newEmail())
  expect(browser.cookies.get('lanonasis_session')).not.toBe(planted)
})

test('S9 the cookie is opaque, HttpOnly and Lax, has 256 random bits and rests as a hash', async () => {
  const browser = createBrowser(gateway)
  const email = newEmail()
  const codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  const done = await browser.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code')
  const lines = done.headers.getSetCookie()
  const session = lines.find((line) => line.startsWith('lanonasis_session=')) ?? ''
  expect(session).toMatch(/^lanonasis_session=[\w-]{64};/)
  expect(session).toMatch(/HttpOnly/i)
  expect(session).toMatch(/SameSite=Lax/i)
  expect(session).toMatch(/Path=\//i)
  expect(session).not.toMatch(/Domain=/i)
  const user = lines.find((line) => line.startsWith('lanonasis_user=')) ?? ''
  expect(JSON.parse(decodeURIComponent(/=([^;]*)/.exec(user)?.[1] ?? ''))).toMatchObject({ email, role: 'user' })
  const handle = browser.cookies.get('lanonasis_session') ?? ''
  const rows = await gateway.sql`select 1 from auth_gateway.sessions s where to_jsonb(s)::text like ${`%${handle}%`}`
  expect(rows).toHaveLength(0)
})

test('S9 sessions are listed and ended one by one', async () => {
  const email = newEmail()
  const first = await signIn(gateway, email)
  await openLimits(gateway)
  const second = await signIn(gateway, email)
  const cookie = (one: typeof first) => ({
    cookie: `lanonasis_session=${one.browser.cookies.get('lanonasis_session')}`,
  })
  const list = async () => (await fetch(`${gateway.url}/v1/auth/sessions`, { headers: cookie(second) })).json()
  const { sessions } = await list()
  expect(sessions).toHaveLength(2)
  const other = sessions.find(({ current }: { current: boolean }) => !current)
  const ended = await fetch(`${gateway.url}/v1/auth/sessions/${other.id}`, {
    method: 'DELETE',
    headers: cookie(second),
  })
  expect(await ended.json()).toEqual({ success: true, revoked: true })
  expect((await me(cookie(first))).status).toBe(401)
  expect((await list()).sessions).toHaveLength(1)
})

test('S9 a stranger cannot end my session', async () => {
  const [mine, theirs] = [await signIn(gateway), await signIn(gateway)]
  const headers = { cookie: `lanonasis_session=${theirs.browser.cookies.get('lanonasis_session')}` }
  const response = await fetch(`${gateway.url}/v1/auth/sessions/${await sessionIdOf(gateway, mine.uai)}`, {
    method: 'DELETE',
    headers,
  })
  expect(response.status).toBe(404)
})

test.each([
  [
    'idle',
    `update auth_gateway.session_activity set last_seen_at = now() - interval '8 days'`,
    `update auth_gateway.sessions set started_at = now() - interval '8 days'`,
  ],
  ['absolute', `update auth_gateway.sessions set expires_at = now()`, 'select 1'],
])('S9 a session ends after its %s time', async (_, one, two) => {
  const person = await signIn(gateway)
  const headers = { cookie: `lanonasis_session=${person.browser.cookies.get('lanonasis_session')}` }
  expect((await me(headers)).status).toBe(200)
  await gateway.sql.unsafe(one)
  await gateway.sql.unsafe(two)
  expect((await me(headers)).status).toBe(401)
})

test('C4 the flow needs no script: no page holds one without a nonce', async () => {
  for (const path of ['/web/login', '/auth/cli-login']) {
    const page = await createBrowser(gateway).visit(path)
    expect(page.html).not.toMatch(/<script(?![^>]*nonce=)/)
    expect(page.html).not.toMatch(/window\.opener/)
  }
})

test('C6 a sign-in link of one browser is worth nothing in another', async () => {
  const attacker = createBrowser(gateway)
  const params = new URLSearchParams(
    authorizeParams(newVerifier(), {
      client_id: 'lanonasis-cli',
      redirect_uri: 'http://localhost:8888/callback',
      scope: undefined,
    }),
  )
  const link = await attacker.visit(`/oauth/authorize?${params}`)
  const victim = createBrowser(gateway)
  const page = await victim.visit(link.url)
  const done = await passSignIn(gateway, victim, page, newEmail())
  expect(done.url).toContain('/oauth/authorize')
  expect(done.location).toBeUndefined()
  expect(attacker.cookies.has('lanonasis_session')).toBe(false)
})

test.each([
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  'https://127.0.0.1.evil.example',
])('a sign-in never ends at %s', async (return_to) => {
  const browser = createBrowser(gateway)
  const page = await browser.visit(`/web/login?${new URLSearchParams({ return_to })}`)
  const done = await passSignIn(gateway, browser, page, newEmail())
  expect(done.location).toBe('https://dashboard.lanonasis.com/dashboard')
})
