import { afterEach, expect, test, vi } from 'vitest'
import { addClient, eventsOf, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { fillLimits, openLimits } from '../support/rows.ts'
import { createBrowser, passSignIn, postJson, signIn } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

const gateway = useGateway()
afterEach(() => gateway.inbox.recover())

const send = (email: string, ip = randomIp()) => postJson(gateway, '/v1/auth/otp/send', { email }, { 'x-real-ip': ip })
const verify = (email: string, token: string, ip = randomIp()) =>
  postJson(gateway, '/v1/auth/otp/verify', { email, token }, { 'x-real-ip': ip })
const wrongFor = (email: string) => (gateway.inbox.codeFor(email) === '000000' ? '111111' : '000000')
const letPausePass = () => openLimits(gateway, 'otp-send-pause:')
const challengeIds = (email: string) => gateway.inbox.sent.filter(({ to }) => to === email).map(({ id }) => id)

test('200 with the same answer, whether or not the account exists', async () => {
  const known = newEmail()
  await send(known)
  await verify(known, gateway.inbox.codeFor(known))
  await openLimits(gateway, 'otp-send')
  const [first, second] = [await send(known), await send(newEmail())]
  expect(first.status).toBe(200)
  expect(first.text).toBe(second.text)
})

test('400 after five wrong tries, even for the right code', async () => {
  const email = newEmail()
  await send(email)
  for (let tries = 0; tries < 5; tries++)
    expect((await verify(email, wrongFor(email))).body).toMatchObject({ code: 'OTP_INVALID' })
  expect((await verify(email, gateway.inbox.codeFor(email))).body).toMatchObject({ code: 'OTP_INVALID' })
})

test('wrong codes from other networks leave a code alone where it was asked for', async () => {
  const [email, ip] = [newEmail(), '10.7.7.1']
  await send(email, ip)
  const guesses = await Promise.all(Array.from({ length: 20 }, () => verify(email, wrongFor(email))))
  expect(new Set(guesses.map(({ status, body }) => `${status} ${body.code}`))).toEqual(new Set(['400 OTP_INVALID']))
  const [id] = challengeIds(email)
  expect((await eventsOf(gateway, 'otp_challenge', id)).map(({ event_type }) => event_type)).toEqual([
    'OtpChallengeIssued',
  ])
  expect((await verify(email, gateway.inbox.codeFor(email), '10.7.7.200')).status).toBe(200)
})

test('a code asked for in one network verifies in another one, until five wrong ones came from elsewhere in an hour', async () => {
  const email = newEmail()
  await send(email)
  for (let n = 0; n < 4; n++) expect((await verify(email, wrongFor(email))).status).toBe(400)
  expect((await verify(email, gateway.inbox.codeFor(email))).status).toBe(200)
  await openLimits(gateway, 'otp-send')
  await send(email)
  for (let n = 0; n < 5; n++) expect((await verify(email, wrongFor(email))).status).toBe(400)
  expect((await verify(email, gateway.inbox.codeFor(email))).body.code).toBe('OTP_INVALID')
})

test('a hundred wrong codes from any network leave a code usable only by the network that requested it, until a right code is entered', async () => {
  const [email, ip] = [newEmail(), randomIp()]
  const fill = async (bucket: string) => {
    await send(email, ip)
    await verify(email, wrongFor(email), ip)
    await fillLimits(gateway, bucket, 100)
  }
  await fill('otp-failures:')
  expect((await verify(email, gateway.inbox.codeFor(email))).body.code).toBe('OTP_INVALID')
  expect((await verify(email, gateway.inbox.codeFor(email), ip)).status).toBe(200)
  await openLimits(gateway, 'otp-send')
  await send(email)
  expect((await verify(email, gateway.inbox.codeFor(email))).status).toBe(200)
})

test('a code that another network requests replaces none', async () => {
  const [email, ip] = [newEmail(), randomIp()]
  await send(email, ip)
  const code = gateway.inbox.codeFor(email)
  await openLimits(gateway, 'otp-send')
  await send(email)
  expect((await verify(email, code, ip)).status).toBe(200)
})

test('429 for the sixth code in an hour, and nothing is sent', async () => {
  const email = newEmail()
  for (let codes = 0; codes < 5; codes++) {
    expect((await send(email)).status).toBe(200)
    await letPausePass()
  }
  expect(await send(email)).toMatchObject({ status: 429, body: { code: 'OTP_RATE_LIMITED' } })
  expect(challengeIds(email)).toHaveLength(5)
})

test('a known browser gets its code although strangers used up those of the address', async () => {
  const { browser, email } = await signIn(gateway)
  await openLimits(gateway, 'otp-send')
  for (let codes = 0; codes < 5; codes++) {
    expect((await send(email)).status).toBe(200)
    await letPausePass()
  }
  expect((await send(email)).status).toBe(429)
  browser.cookies.delete('lanonasis_session')
  const done = await passSignIn(gateway, browser, await browser.visit('/web/login'), email)
  expect(done.location).toContain('/dashboard')
})

test('a browser is known no more once its session was ended from elsewhere', async () => {
  const { browser, email } = await signIn(gateway)
  await openLimits(gateway, 'otp-send')
  const cookie = `lanonasis_session=${browser.cookies.get('lanonasis_session')}`
  const { sessions } = await (await fetch(`${gateway.url}/v1/auth/sessions`, { headers: { cookie } })).json()
  await fetch(`${gateway.url}/v1/auth/sessions/${sessions[0].id}`, { method: 'DELETE', headers: { cookie } })
  for (let codes = 0; codes < 5; codes++) {
    await send(email)
    await letPausePass()
  }
  const page = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  expect(page.status).toBe(429)
})

test('400 for a code that a newer one of the same network replaced', async () => {
  const [email, ip] = [newEmail(), randomIp()]
  await send(email, ip)
  const old = gateway.inbox.codeFor(email)
  await openLimits(gateway, 'otp-send')
  await send(email, ip)
  if (old !== gateway.inbox.codeFor(email)) expect((await verify(email, old, ip)).body.code).toBe('OTP_INVALID')
  expect((await verify(email, gateway.inbox.codeFor(email), ip)).status).toBe(200)
})

test('400 for a code that is ten minutes old', async () => {
  const email = newEmail()
  await send(email)
  const late = await withClockAhead(600_000, () => verify(email, gateway.inbox.codeFor(email)))
  expect(late.body.code).toBe('OTP_INVALID')
})

test('503 with Retry-After when the provider is down; the code is void and the log has the reason', async () => {
  const email = newEmail()
  gateway.inbox.fail({ status: 503, retryAfter: 2 })
  const before = gateway.inbox.attempts
  const answer = await send(email)
  expect(answer.status).toBe(503)
  expect(answer.body).toMatchObject({ code: 'OTP_SEND_FAILED', message: expect.stringContaining('could not be sent') })
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(gateway.inbox.attempts).toBeGreaterThan(before)
  const events = await eventsOf(gateway, 'otp_challenge')
  expect(events.at(-1)).toMatchObject({ event_type: 'OtpDeliveryFailed', data: { reason: expect.any(String) } })
  const [row] =
    await gateway.sql`select status from auth_gateway.otp_challenges where id = ${events.at(-1)?.stream_id ?? ''}`
  expect(row?.status).not.toBe('open')
})

test('503 on the sign-in page too, with a message and the entered address', async () => {
  const email = newEmail()
  gateway.inbox.fail({ status: 422 })
  const browser = createBrowser(gateway)
  const page = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  expect(page.status).toBe(503)
  expect(page.html).toContain('The code could not be sent')
  expect(page.html).toContain(email)
})

test('200 after one failed delivery attempt, with one message id', async () => {
  const email = newEmail()
  gateway.inbox.fail({ status: 500, times: 1 })
  expect((await send(email)).status).toBe(200)
  expect(challengeIds(email)).toHaveLength(1)
  const [id = ''] = challengeIds(email)
  const result = { attempts: 2, provider: 'resend', providerId: `mail-${id}` }
  await vi.waitFor(async () =>
    expect((await eventsOf(gateway, 'message', id)).at(-1)).toMatchObject({
      event_type: 'MessageAccepted',
      data: result,
    }),
  )
})

test('403 for a code entered in another browser than the one that asked', async () => {
  const email = newEmail()
  const [asking, other] = [createBrowser(gateway), createBrowser(gateway)]
  const codePage = await asking.submit(await asking.visit('/web/login'), { email }, '/web/login')
  const stolen = await other.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code')
  expect(stolen.status).toBe(403)
  const direct = await verify(email, gateway.inbox.codeFor(email))
  expect(direct.body.code).toBe('OTP_INVALID')
  const own = await asking.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code')
  expect(own.location).toContain('/dashboard')
})

test('a code asked for elsewhere leaves the one that a browser waits for alone', async () => {
  const email = newEmail()
  const browser = createBrowser(gateway)
  const codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  const code = gateway.inbox.codeFor(email)
  await openLimits(gateway, 'otp-send')
  expect((await postJson(gateway, '/v1/auth/otp/send', { email })).status).toBe(200)
  await browser.submit(codePage, { code }, '/web/code')
  expect(browser.cookies.has('lanonasis_session')).toBe(true)
})

test('the mail is in the language that the browser asks for, and then in that of the account it made', async () => {
  const email = newEmail()
  const ask = (languages: string) =>
    postJson(gateway, '/v1/auth/otp/send', { email }, { 'x-real-ip': randomIp(), 'accept-language': languages })
  const language = () => gateway.inbox.sent.findLast(({ to }) => to === email)?.body.locale
  await ask('nl, pt-BR;q=0.9, en;q=0.8')
  expect(language()).toBe('pt')
  const headers = { 'accept-language': 'fr-CA' }
  await postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) }, headers)
  await openLimits(gateway, 'otp-send')
  await ask('de')
  expect(language()).toBe('fr')
})

test('on the way to an application of ours with a colour the mail is in its name, to one of others it only names it', async () => {
  const metadata = { client_name: 'v-secure', brand_color: '#1a2b3c', token_endpoint_auth_method: 'none' } as const
  for (const firstParty of [true, false]) {
    const { client_id, redirect_uri } = await addClient(gateway, `brand-${firstParty}`, metadata, firstParty)
    const query = { response_type: 'code', client_id, redirect_uri, code_challenge_method: 'S256' }
    const request = new URLSearchParams({ ...query, code_challenge: 'a'.repeat(43), scope: 'openid' })
    const browser = createBrowser(gateway)
    const email = newEmail()
    await browser.submit(await browser.visit(`/oauth/authorize?${request}`), { email }, '/web/login')
    const body = gateway.inbox.sent.findLast(({ to }) => to === email)?.body ?? {}
    expect(body).toMatchObject({ client_name: 'v-secure' })
    expect(body.brand).toEqual(firstParty ? { name: 'v-secure', colour: '#1a2b3c' } : undefined)
  }
})

test('a name that a stranger registered is shown as not verified, with the host of the answer, and never mailed', async () => {
  const redirect_uris = ['https://notes.example/cb', 'https://other.example/cb']
  const { body: client } = await postJson(gateway, '/register', { client_name: 'Claude', redirect_uris })
  const request = new URLSearchParams({
    ...{ response_type: 'code', client_id: client.client_id, redirect_uri: 'https://notes.example/cb' },
    ...{ code_challenge_method: 'S256', code_challenge: 'a'.repeat(43) },
  })
  const browser = createBrowser(gateway)
  const email = newEmail()
  const page = await browser.visit(`/oauth/authorize?${request}`)
  const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, '')
  expect(textOf(page.html)).toContain('to continue to Claude (not verified, notes.example).')
  const code = await browser.submit(page, { email }, '/web/login')
  expect(code.html).toContain('Continue to notes.example')
  expect(gateway.inbox.sent.findLast(({ to }) => to === email)?.body).not.toHaveProperty('client_name')
  const borrowed = new URLSearchParams({ client_id: client.client_id, redirect_uri: 'https://claude.ai/cb' })
  const back = encodeURIComponent(`/oauth/authorize?${borrowed}`)
  const forged = textOf((await createBrowser(gateway).visit(`/web/login?return_to=${back}`)).html)
  expect([forged.includes('claude.ai'), forged.includes('notes.example')]).toEqual([false, true])
})
