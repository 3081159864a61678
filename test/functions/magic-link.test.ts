import { MagicLinkFlow } from '@lanonasis/oauth-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { createBrowser, formsOf, postJson, signIn, type TestBrowser } from '../support/sign-in.ts'

const CALLBACK = '/v1/auth/magic-link/callback'
const LOOPBACK = 'http://localhost:8899/callback'

let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
beforeAll(async () => {
  supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: 'sb_publishable_test', send: () => {} })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({
  env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: 'sb_publishable_test' },
}))
beforeEach(() => openLimits(gateway))

const ask = (fields: object) => postJson(gateway, '/v1/auth/magic-link', fields)
const exchange = (token: string | undefined, body: object) =>
  postJson(gateway, '/v1/auth/magic-link/exchange', body, token ? { authorization: `Bearer ${token}` } : {})
const sessionsOf = (email: string) =>
  gateway.sql`select s.method, s.platform, s.acr from auth_gateway.sessions s join auth_gateway.credentials c on c.uai = s.uai
    where c.digest = ${gateway.gateway.personal.digest(email)} and s.ended_at is null`

/** Opens the link that was sent and confirms; where that leads. */
async function confirm(email: string, browser: TestBrowser = createBrowser(gateway)) {
  const page = await browser.visit(gateway.inbox.linkFor(email))
  return { browser, page, done: await browser.submit(page, {}, CALLBACK) }
}

/** The same for an application, with what its address got. */
async function handOver(email: string, redirect_uri = LOOPBACK) {
  await postJson(gateway, '/v1/auth/otp/send', { email, type: 'magiclink', redirect_uri })
  const { done, page } = await confirm(email)
  const url = new URL(done.location ?? 'http://nowhere')
  return { url, page, code: url.searchParams.get('code') ?? '', state: url.searchParams.get('state') ?? '' }
}

describe('a link for a browser', () => {
  test('200 sent; opening it does nothing, however often; the confirmation signs in, once', async () => {
    const email = newEmail()
    expect((await ask({ email, redirect_uri: '/account' })).body).toMatchObject({ success: true })
    const link = gateway.inbox.linkFor(email)
    for (let n = 0; n < 3; n++) {
      const headers = { accept: 'text/html' }
      expect((await fetch(link, { headers, method: n === 1 ? 'HEAD' : 'GET' })).status).toBe(200)
    }
    expect(await sessionsOf(email)).toEqual([])
    const { browser, page, done } = await confirm(email)
    expect(page.html).toContain(email)
    expect(done).toMatchObject({ status: 200, url: `${gateway.url}/account` })
    expect(await sessionsOf(email)).toEqual([
      { method: 'magic_link', platform: 'web', acr: 'urn:lanonasis:acr:verified-address' },
    ])
    expect(browser.cookies.get('lanonasis_session')).toBeTruthy()
    expect(await browser.visit(link)).toMatchObject({ status: 200, url: `${gateway.url}/account` })
    const another = createBrowser(gateway)
    const again = await another.visit(link)
    expect(again).toMatchObject({ status: 400 })
    expect(again.html).toContain('The link has expired or was used before.')
    expect(another.cookies.get('lanonasis_session')).toBeUndefined()
  })

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux', true],
    ['Visit https://evil.test to confirm', 'evil.test', false],
  ])('the page names browser and system, and nothing else that a header says: %s', async (agent, words, shown) => {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/magic-link', { email }, { 'user-agent': agent })
    const page = await createBrowser(gateway).visit(gateway.inbox.linkFor(email))
    expect([page.status, page.html.includes(words)]).toEqual([200, shown])
  })

  test('20 confirmations at once: one session', async () => {
    const email = newEmail()
    await ask({ email, redirect_uri: '/account' })
    const link = gateway.inbox.linkFor(email)
    const readers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const browser = createBrowser(gateway)
        return { browser, page: await browser.visit(link) }
      }),
    )
    await Promise.all(readers.map(({ browser, page }) => browser.submit(page, {}, CALLBACK)))
    expect(await sessionsOf(email)).toHaveLength(1)
  }, 40_000)

  test('the secret is in no event and no table, and the address only sealed', async () => {
    const email = newEmail()
    await ask({ email })
    const state = new URL(gateway.inbox.linkFor(email)).searchParams.get('state') ?? ''
    const dump = JSON.stringify([
      await gateway.sql`select * from auth_gateway.event_store`,
      await gateway.sql`select * from auth_gateway.otp_challenges`,
    ])
    expect(dump).not.toContain(state)
    expect(dump).not.toContain(email)
  })

  test('400 for any place that is not ours or registered: no open redirect', async () => {
    for (const redirect_uri of [
      'https://evil.example/',
      '//evil.example',
      'javascript:alert(1)',
      'https://dashboard.lanonasis.com.evil.example/',
      'http://localhost:1/other',
    ])
      expect(await ask({ email: newEmail(), redirect_uri })).toMatchObject({
        status: 400,
        body: { code: 'INVALID_REDIRECT_URI' },
      })
    for (const redirect_uri of ['https://evil.example/cb', '/account', 'http://localhost.evil.example/callback'])
      expect((await ask({ email: newEmail(), platform: 'cli', redirect_uri })).body.code).toBe('INVALID_REDIRECT_URI')
    expect((await ask({ email: newEmail(), redirect_uri: 'https://dashboard.lanonasis.com/memories' })).status).toBe(
      200,
    )
    expect((await ask({})).body.code).toBe('MISSING_EMAIL')
    expect((await ask({ email: 'nobody' })).body.code).toBe('INVALID_EMAIL')
  })

  test('the same answer for a known and an unknown address; create_user: false creates no one', async () => {
    const [known, unknown] = [await signIn(gateway), newEmail('nobody')]
    await openLimits(gateway)
    const answers = [
      await ask({ email: known.email, create_user: false }),
      await ask({ email: unknown, create_user: false }),
    ]
    expect(answers[0]?.body).toEqual(answers[1]?.body)
    const { done } = await confirm(unknown)
    expect(done).toMatchObject({ status: 403 })
    expect(await sessionsOf(unknown)).toEqual([])
    const { done: entered } = await confirm(known.email)
    expect(entered.location).toBe('https://dashboard.lanonasis.com/dashboard')
  })

  test('403 when another site posts the confirmation, or another browser’s form is used', async () => {
    const email = newEmail()
    await ask({ email, redirect_uri: '/account' })
    const [ours, other] = [createBrowser(gateway), createBrowser(gateway)]
    const link = gateway.inbox.linkFor(email)
    const [form] = formsOf(await ours.visit(link))
    await other.visit(link)
    const body = () => new URLSearchParams(form?.fields)
    expect((await other.visit(CALLBACK, { method: 'POST', body: body() })).status).toBe(403)
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect((await ours.visit(CALLBACK, { method: 'POST', body: body(), headers })).status).toBe(403)
    expect(await sessionsOf(email)).toEqual([])
    expect((await ours.visit(CALLBACK, { method: 'POST', body: body() })).status).toBe(200)
  })

  test('400 for a link that is forged, truncated, of another kind, or expired', async () => {
    const email = newEmail()
    await ask({ email })
    const state = new URL(gateway.inbox.linkFor(email)).searchParams.get('state') ?? ''
    const open = (text: string) => fetch(`${gateway.url}${CALLBACK}?${new URLSearchParams({ state: text })}`)
    const changed = `${state.slice(0, 8)}${state[8] === 'A' ? 'B' : 'A'}${state.slice(9)}`
    for (const wrong of [`${state}A`, state.slice(0, -4), changed, 'x', state.repeat(9)])
      expect((await open(wrong)).status).toBe(400)
    expect((await fetch(`${gateway.url}${CALLBACK}`)).status).toBe(400)
    await gateway.sql`update auth_gateway.otp_challenges set expires_at = now()`
    const handed = await handOver(newEmail())
    expect((await open(handed.code)).status).toBe(400)
  })

  test('a code by e-mail for the same address neither spends the link nor is spent by it', async () => {
    const email = newEmail()
    await ask({ email, redirect_uri: '/account' })
    await openLimits(gateway)
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const token = gateway.inbox.codeFor(email)
    const verify = (code: string) => postJson(gateway, '/v1/auth/otp/verify', { email, token: code })
    for (let n = 0; n < 4; n++) await verify('nonsense')
    expect((await confirm(email)).done.status).toBe(200)
    expect((await verify(token)).status).toBe(200)
  })

  test('503 when the mail cannot be sent, and no link is left', async () => {
    const email = newEmail()
    gateway.inbox.fail({ status: 400, times: 1 })
    expect(await ask({ email })).toMatchObject({ status: 503, body: { code: 'OTP_SEND_FAILED' } })
    expect(() => gateway.inbox.linkFor(email)).toThrow()
  })
})

describe('a link for an application', () => {
  test('MagicLinkFlow of @lanonasis/oauth-client: asked for, confirmed in a browser, exchanged for tokens', async () => {
    const flow = new MagicLinkFlow({ clientId: 'lanonasis-cli', authBaseUrl: gateway.url, platform: 'cli' })
    const email = newEmail()
    expect(await flow.requestMagicLink(email, LOOPBACK)).toMatchObject({
      success: true,
      type: 'magiclink',
      expires_in: 600,
    })
    const { done, page, browser } = await confirm(email)
    expect(page.html).toContain('LanOnasis CLI')
    const url = new URL(done.location ?? '')
    expect(`${url.origin}${url.pathname}`).toBe(LOOPBACK)
    expect([...url.searchParams.keys()]).toEqual(['code', 'state'])
    expect(browser.cookies.get('lanonasis_session')).toBeUndefined()
    const pair = await flow.exchangeMagicLinkToken(
      url.searchParams.get('code') ?? '',
      url.searchParams.get('state') ?? '',
    )
    expect(pair).toMatchObject({
      success: true,
      redirect_to: LOOPBACK,
      token_type: 'Bearer',
      auth_method: 'magic_link',
    })
    expect(pair).toMatchObject({ user: { email } })
    const me = await fetch(`${gateway.url}/v1/auth/me`, { headers: { authorization: `Bearer ${pair.access_token}` } })
    expect(await me.json()).toMatchObject({ email })
    await expect(
      flow.exchangeMagicLinkToken(url.searchParams.get('code') ?? '', url.searchParams.get('state') ?? ''),
    ).rejects.toThrow('The link has expired or was used before.')
  })

  test('requestMagicLinkWeb ends with cookies at the registered place, and no code in its address', async () => {
    const flow = new MagicLinkFlow({ clientId: 'dashboard-web', authBaseUrl: gateway.url })
    const email = newEmail()
    expect(await flow.requestMagicLinkWeb(email, 'https://dashboard.lanonasis.com/auth')).toMatchObject({
      success: true,
    })
    const { done, browser } = await confirm(email)
    expect(done.location).toBe('https://dashboard.lanonasis.com/auth')
    expect(browser.cookies.get('lanonasis_session')).toBeTruthy()
  })

  test('20 exchanges at once: one pair', async () => {
    const { code, state } = await handOver(newEmail())
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(code, { state })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body.code)).toEqual(
      Array(19).fill('MAGIC_LINK_STATE_INVALID'),
    )
  })

  test('400 without its state, with another’s, or the link itself; 401 without a token', async () => {
    const email = newEmail()
    const [one, other] = [await handOver(email), await handOver(newEmail())]
    const linkState = new URL(gateway.inbox.linkFor(email)).searchParams.get('state') ?? ''
    expect((await exchange(undefined, { state: one.state })).body.code).toBe('TOKEN_MISSING')
    expect((await exchange(one.code, {})).body.code).toBe('MAGIC_LINK_STATE_MISSING')
    for (const [code, state] of [
      [one.code, other.state],
      [linkState, one.state],
      ['nonsense', one.state],
    ] as const)
      expect((await exchange(code, { state })).body.code).toBe('MAGIC_LINK_STATE_INVALID')
    expect((await exchange(one.code, { state: one.state })).status).toBe(200)
  })

  test('a Supabase token is accepted with the state of a link to its own address, once', async () => {
    const add = () => supabase.add({ email: newEmail(), password: 'correct horse battery', metadata: {} })
    const [user, foreign] = [add(), add()]
    const token = async (of: typeof user) => (await supabase.session(of)).access_token
    const { email } = user
    await ask({ email, redirect_uri: '/account' })
    const state = new URL(gateway.inbox.linkFor(email)).searchParams.get('state') ?? ''
    const mismatch = await exchange(await token(foreign), { state })
    expect(mismatch).toMatchObject({ status: 403, body: { code: 'MAGIC_LINK_EMAIL_MISMATCH' } })
    const answer = await exchange(await token(user), { state })
    expect(answer).toMatchObject({ status: 200, body: { success: true, redirect_to: '/account', user: { email } } })
    expect((await exchange(await token(user), { state })).body.code).toBe('MAGIC_LINK_STATE_INVALID')
  })
})
