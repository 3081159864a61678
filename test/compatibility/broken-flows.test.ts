import { get, type IncomingMessage } from 'node:http'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { api, directSignIn, newKey } from '../support/api-keys.ts'
import { newEmail } from '../support/gateway.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { openLimits } from '../support/rows.ts'
import { authorizeParams, createBrowser, getTokens, newVerifier, postJson, signIn } from '../support/sign-in.ts'

const NATIVE_CLI = {
  client_id: 'lanonasis-cli',
  redirect_uri: 'http://localhost:8888/callback',
  scope: 'read write offline_access',
}
const DAY = 86_400_000

const gateway = usePasswordGateway()
beforeEach(() => openLimits(gateway))
afterEach(() => vi.useRealTimers())

const login = async (email = gateway.addUser(), more: object = { platform: 'cli' }) =>
  (await postJson(gateway, '/v1/auth/login', { email, password: PASSWORD, ...more })).body
const refresh = (refresh_token: string, client_id = 'lanonasis-cli') =>
  postJson(gateway, '/oauth/token', { grant_type: 'refresh_token', refresh_token, client_id })
/** A request with the Fetch Metadata that a browser sends, which fetch() here would not. */
function navigate(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(`${gateway.url}${path}`, { headers }, (answer) => resolve(answer.resume())).on('error', reject)
  })
}
const later = (milliseconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds })

describe('6: flows that were broken', () => {
  test('6.1: 200 for the refresh token of a password session at /oauth/token', async () => {
    expect((await refresh((await login()).refresh_token)).status).toBe(200)
  })

  test('6.2: 200 for a refresh after the access token is over, and again after that', async () => {
    let { access_token, refresh_token } = await login()
    for (let day = 0; day < 2; day++) {
      later(1.1 * DAY)
      expect((await postJson(gateway, '/v1/auth/verify-token', { token: access_token })).body.valid).toBe(false)
      const path = day === 0 ? '/v1/auth/refresh' : '/oauth/token'
      const form = { refresh_token, grant_type: 'refresh_token', client_id: 'lanonasis-cli' }
      const { status, body } = await postJson(gateway, path, form)
      expect(status).toBe(200)
      expect((await postJson(gateway, '/v1/auth/verify-token', { token: body.access_token })).body.valid).toBe(true)
      ;({ access_token, refresh_token } = body)
    }
  })

  test('6.3: the access token of the CLI is valid for a day without refresh', async () => {
    const tokens = await getTokens(gateway, await signIn(gateway), NATIVE_CLI)
    expect(tokens.expires_in).toBe(86_400)
    later(0.9 * DAY)
    expect((await postJson(gateway, '/oauth/introspect', { token: tokens.access_token })).body.active).toBe(true)
  })

  test('6.4: 200 for revoking without a CSRF token', async () => {
    const { access_token: token } = await login()
    expect(await postJson(gateway, '/oauth/revoke', { token })).toMatchObject({ status: 200, body: { revoked: true } })
    expect((await postJson(gateway, '/oauth/introspect', { token })).body.active).toBe(false)
  })

  test('6.5: no POST is refused for having no body', async () => {
    const ada = await directSignIn(gateway)
    const { id } = await newKey(gateway, ada)
    const { key } = await newKey(gateway, ada)
    const bodyless: [path: string, headers: Record<string, string>][] = [
      ['/v1/auth/token/exchange', { authorization: `Bearer ${await gateway.supabaseToken()}` }],
      [`/api/v1/api-keys/${id}/rotate`, { authorization: `Bearer ${ada.token}` }],
      [`/api/v1/api-keys/${id}/revoke`, { authorization: `Bearer ${ada.token}` }],
      ['/v1/auth/refresh', { authorization: `Bearer ${ada.token}` }],
      ['/v1/auth/verify', { authorization: `Bearer ${ada.token}` }],
      ['/v1/auth/verify-api-key', { 'x-api-key': key, 'content-type': 'application/json', 'content-length': '0' }],
      ['/v1/auth/logout', { authorization: `Bearer ${ada.token}` }],
    ]
    for (const [path, headers] of bodyless)
      expect((await api(gateway, 'POST', path, { headers })).status, path).toBe(200)
  })

  test('6.6: the exchange sets cookies, the cookie alone signs out, /web/logout ends the session and honours return_to', async () => {
    const exchanged = await api(gateway, 'POST', '/v1/auth/token/exchange', { token: await gateway.supabaseToken() })
    const cookie = exchanged.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    expect((await api(gateway, 'POST', '/v1/auth/logout', { headers: { cookie } })).body.revoked).toBe(true)

    const { browser } = await signIn(gateway)
    const handle = `lanonasis_session=${browser.cookies.get('lanonasis_session')}`
    const back = 'https://dashboard.lanonasis.com/bye'
    const own = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const answer = await navigate(`/web/logout?return_to=${encodeURIComponent(back)}`, { ...own, cookie: handle })
    expect([answer.statusCode, answer.headers.location]).toEqual([302, back])
    expect(answer.headers['set-cookie']?.join()).toMatch(/lanonasis_session=;.*Max-Age=0/)
    expect((await api(gateway, 'GET', '/v1/auth/session', { headers: { cookie: handle } })).status).toBe(401)
  })

  test.each([
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    {},
  ])('6.6: a link or image of another site only asks: %j', async (headers) => {
    const { browser } = await signIn(gateway)
    const cookie = `lanonasis_session=${browser.cookies.get('lanonasis_session')}`
    expect((await navigate('/web/logout', { ...(headers as Record<string, string>), cookie })).statusCode).toBe(200)
    expect((await browser.visit('/v1/auth/session/check')).html).toContain('"authenticated":true')
  })

  test('6.7: 200 for a key as Bearer; a bad one has a code of its own', async () => {
    const { key } = await newKey(gateway, await directSignIn(gateway))
    expect((await api(gateway, 'POST', '/v1/auth/verify', { token: key })).status).toBe(200)
    const bad = await api(gateway, 'POST', '/v1/auth/verify', { token: `${key}0` })
    expect([bad.status, bad.body.code]).toEqual([401, 'API_KEY_INVALID'])
  })

  test.each([
    ['POST', '/v1/auth/signup', 400],
    ['POST', '/v1/auth/register', 400],
    ['GET', '/oauth/userinfo', 401],
    ['GET', '/api/v1/health', 200],
    ['GET', '/auth/validate', 401],
    ['GET', '/api/v1/api-keys/projects', 401],
    ['GET', '/v1/auth/api-keys', 401],
    ['GET', '/web/signup', 200],
    ['GET', '/web/forgot-password', 200],
    ['POST', '/api/v1/oauth/device', 400],
  ])('6.8: %s %s is there, and answers %i', async (method, path, expected) => {
    expect((await fetch(`${gateway.url}${path}`, { method })).status).toBe(expected)
  })

  test('6.9: a device of the default client: one mail, one code, tokens with the scope asked for, slow_down in between', async () => {
    const client_id = 'lanonasis-mcp-cli'
    const scope = 'memories:read profile'
    const { body: started } = await postJson(gateway, '/oauth/device', { client_id, scope })
    expect(started.verification_uri).toBe(`${gateway.url}/oauth/device`)
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: started.device_code,
      client_id,
    }
    const poll = () => postJson(gateway, '/oauth/token', form)
    expect((await poll()).body.error).toBe('authorization_pending')
    expect((await poll()).body.error).toBe('slow_down')
    const email = newEmail()
    const sentBefore = gateway.inbox.sent.length
    await postJson(gateway, '/oauth/device/verify', { user_code: started.user_code, email })
    expect(gateway.inbox.sent.length).toBe(sentBefore + 1)
    const given = { user_code: started.user_code, email, otp_code: gateway.inbox.codeFor(email) }
    expect((await postJson(gateway, '/oauth/device/authorize', given)).body.user.email).toBe(email)
    later(60_000)
    const { status, body } = await poll()
    expect([status, body.scope]).toEqual([200, scope])
    const page = await createBrowser(gateway).visit('/oauth/device')
    expect(page.html).not.toContain('<script')
  })

  test('6.10: a first sign-in makes everything that belongs to a person', async () => {
    const email = gateway.addUser()
    const body = (await postJson(gateway, '/auth/cli-login', { email, password: PASSWORD })).body
    const me = await api(gateway, 'GET', '/v1/auth/me', { token: body.access_token })
    expect(me.body).toMatchObject({ email, organization_id: expect.any(String) })
  })

  test('6.11: everyone has an organization for their keys; our own errors are 503, not a verdict', async () => {
    const ada = await directSignIn(gateway)
    expect((await newKey(gateway, ada)).organization_id).toEqual(expect.any(String))
    const down = Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
    const spy = vi.spyOn(gateway.gateway.jwts, 'readAccessToken').mockRejectedValue(down)
    const answers = [
      await postJson(gateway, '/oauth/introspect', { token: ada.token }),
      await postJson(gateway, '/v1/auth/verify-token', { token: ada.token }),
    ]
    spy.mockRestore()
    for (const { status, body } of answers) {
      expect(status).toBe(503)
      expect(body).not.toHaveProperty('active')
      expect(body).not.toHaveProperty('valid')
    }
  })

  test('6.12: no operator is seeded, no password is stored, and no login bypasses anything', async () => {
    expect(await gateway.sql`select 1 from auth_gateway.identities where role <> 'user'`).toEqual([])
    const columns = await gateway.sql`select column_name from information_schema.columns
      where table_schema = 'auth_gateway' and column_name like '%password%'`
    expect(columns).toEqual([])
    expect((await postJson(gateway, '/admin/bypass-login', { email: 'a@b.c', password: 'x' })).status).toBe(403)
  })

  test('6.13: ready under any issuer', async () => {
    const { status, body } = await api(gateway, 'GET', '/ready')
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'ready', canonical_issuer: gateway.url })
  })

  test('6.14: expires_in is what the token says', async () => {
    const pairs = [
      await login(),
      await login(undefined, { platform: 'web' }),
      await getTokens(gateway, await signIn(gateway)),
    ]
    for (const { access_token, expires_in } of pairs) {
      const { exp = 0, iat = 0 } = decodeJwt(access_token)
      expect(exp - iat).toBe(expires_in)
    }
  })

  test('6.35: the sign-in page may redirect to the client, wherever the link came from', async () => {
    const params = new URLSearchParams(authorizeParams(newVerifier()))
    const browser = createBrowser(gateway)
    const page = await browser.visit(`/oauth/authorize?${params}`, {
      headers: { referer: 'https://elsewhere.example/' },
    })
    expect(page.headers.get('content-security-policy')).toContain(
      `form-action 'self' ${new URL(params.get('redirect_uri') ?? '').origin}`,
    )
    const server = { origin: 'https://some-server.example', referer: 'https://some-server.example/x' }
    expect((await postJson(gateway, '/oauth/introspect', { token: 'x' }, server)).body).toEqual({ active: false })
  })
})
