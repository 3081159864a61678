import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, newEmail, useGateway } from '../support/gateway.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  newVerifier,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
let cookie: Record<string, string>
beforeAll(async () => {
  person = await signIn(gateway)
  cookie = { cookie: `lanonasis_session=${person.browser.cookies.get('lanonasis_session')}` }
})

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}${path}`, { headers })
  return { status: response.status, headers: response.headers, body: await response.json() }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('GET /v1/auth/resolve', () => {
  test('200 with the UAI headers for a cookie', async () => {
    const { status, body, headers } = await get('/v1/auth/resolve', cookie)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      success: true,
      authId: person.uai,
      email: person.email,
      fromCache: false,
      authSource: 'sso_session',
    })
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-uai-auth-id': person.uai,
      'x-uai-organization': body.organizationId,
      'x-uai-auth-method': 'sso_cookie',
      'x-uai-email': person.email,
      'x-uai-from-cache': 'false',
      'x-actor-type': 'user',
      'x-api-key-id': '',
    })
  })

  test('200 for a bearer token, which says so', async () => {
    const { access_token } = await getTokens(gateway, person)
    const { body } = await get('/api/v1/auth/resolve', bearer(access_token))
    expect(body).toMatchObject({ authId: person.uai, authMethod: 'bearer_token', authSource: 'oauth_token' })
  })

  test.each([
    ['no credential', {}, 'AUTH_REQUIRED'],
    ['a bad token', bearer('a.b.c'), 'AUTH_TOKEN_INVALID'],
    ['a bad API key', { 'x-api-key': 'lano_bad' }, 'API_KEY_INVALID'],
    ['a made-up header', { 'x-uai-auth-id': 'me' }, 'AUTH_REQUIRED'],
  ])('401 with X-UAI-Error for %s', async (_, headers, reason) => {
    const answer = await get('/v1/auth/resolve', headers)
    expect(answer).toMatchObject({ status: 401, body: { success: false, code: 'AUTH_REQUIRED' } })
    expect(answer.headers.get('x-uai-error')).toBe(reason)
    expect(answer.headers.get('x-uai-auth-id')).toBeNull()
  })

  test('401 for a refresh token and for an ID token', async () => {
    const { refresh_token, id_token = '' } = await getTokens(gateway, person)
    for (const token of [refresh_token, id_token])
      expect((await get('/v1/auth/resolve', bearer(token))).status).toBe(401)
  })

  test('403 when the UAI is another person’s: it identifies, it never authenticates', async () => {
    const other = await signIn(gateway, newEmail('eve'))
    expect((await get(`/v1/auth/resolve?uai=${person.uai}`, cookie)).status).toBe(200)
    expect(await get(`/v1/auth/resolve?uai=${other.uai}`, cookie)).toMatchObject({
      status: 403,
      body: { code: 'UAI_MISMATCH' },
    })
    expect((await get(`/v1/auth/resolve?uai=${person.uai}`)).status).toBe(401)
  })

  test('200 with an audience-bound token and a session of another first-party application', async () => {
    const { status, body } = await get(`/v1/auth/resolve?client_id=lanonasis-api-dashboard&uai=${person.uai}`, cookie)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      authId: person.uai,
      token_type: 'Bearer',
      client_id: 'lanonasis-api-dashboard',
      user: { email: person.email },
    })
    const claims = decodeJwt(body.access_token)
    expect([claims.aud].flat()).toContain('https://api.lanonasis.com')
    expect(claims.sid).toBe(body.session_id)
    const seen = await post(gateway, '/oauth/introspect', { token: body.access_token })
    expect(seen.body).toMatchObject({ active: true, sub: person.uai, client_id: 'lanonasis-api-dashboard' })
  })

  test('403 for a third party without consent, 200 with it', async () => {
    const third = await addClient(gateway, 'third')
    expect((await get('/v1/auth/resolve?client_id=third', cookie)).body).toMatchObject({ code: 'ACCESS_DENIED' })
    expect((await get('/v1/auth/resolve?client_id=third', cookie)).status).toBe(403)
    const { client_id, redirect_uri } = third
    await authorize(person.browser, authorizeParams(newVerifier(), { client_id, redirect_uri, scope: undefined }))
    expect((await get('/v1/auth/resolve?client_id=third', cookie)).status).toBe(200)
  })

  test('401 for an unknown application', async () => {
    expect((await get('/v1/auth/resolve?client_id=nobody', cookie)).body.code).toBe('INVALID_CLIENT')
  })

  test('debug says what was sent without repeating it', async () => {
    const { body } = await get('/v1/auth/resolve/debug', { ...cookie, authorization: 'Bearer secret-value' })
    expect(body.authMethods).toEqual({ sso_cookie: true, bearer_token: true, api_key: false })
    expect(JSON.stringify(body)).not.toContain('secret-value')
  })
})

describe('a pair from a code', () => {
  const pair = async () => {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const { body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) })
    return { ...body, email }
  }

  test('200 at /v1/auth/refresh under both names, with the members every client reads', async () => {
    const first = await pair()
    const second = await postJson(gateway, '/v1/auth/refresh', { refresh_token: first.refresh_token })
    expect(second).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', user: { email: first.email }, expiresAt: expect.any(String) },
    })
    expect(second.body.token).toBe(second.body.access_token)
    const third = await postJson(gateway, '/v1/auth/refresh', { refreshToken: second.body.refresh_token })
    expect(third.status).toBe(200)
  })

  test('200 at /v1/auth/refresh without a body for the bearer of a live token (lanonasis-sdk)', async () => {
    const { access_token, email } = await pair()
    const response = await fetch(`${gateway.url}/v1/auth/refresh`, { method: 'POST', headers: bearer(access_token) })
    expect(await response.json()).toMatchObject({ token: expect.any(String), user: { email } })
  })

  test.each([
    [{}, 400, 'MISSING_REFRESH_TOKEN'],
    [{ refresh_token: 'junk' }, 401, 'INVALID_REFRESH_TOKEN'],
  ])('%j is refused', async (body, status, code) => {
    expect(await postJson(gateway, '/v1/auth/refresh', body)).toMatchObject({ status, body: { code } })
  })

  test('401 at /v1/auth/refresh for a token of an OAuth client', async () => {
    const { refresh_token } = await getTokens(gateway, person)
    expect((await postJson(gateway, '/v1/auth/refresh', { refresh_token })).status).toBe(401)
  })

  test('200 at logout by bearer, which ends the session and both tokens', async () => {
    const { access_token, refresh_token } = await pair()
    expect((await postJson(gateway, '/v1/auth/logout', {}, bearer(access_token))).body).toEqual({
      success: true,
      revoked: true,
    })
    expect((await postJson(gateway, '/v1/auth/verify-token', { token: access_token })).body).toMatchObject({
      valid: false,
    })
    expect((await postJson(gateway, '/v1/auth/refresh', { refresh_token })).status).toBe(401)
  })

  test('200 { revoked: false } at logout without anything', async () => {
    const response = await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST' })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ success: true, revoked: false })
  })

  test('cookies for the web platform only', async () => {
    for (const [platform, count] of [
      ['web', 3],
      ['cli', 0],
    ] as const) {
      const email = newEmail()
      await postJson(gateway, '/v1/auth/otp/send', { email, platform })
      const form = { email, token: gateway.inbox.codeFor(email), platform }
      const { headers, body } = await postJson(gateway, '/v1/auth/otp/verify', form)
      expect(headers.getSetCookie()).toHaveLength(count)
      expect(body.user).toMatchObject({ email, project_scope: 'lanonasis-maas' })
    }
  })
})

describe('verify and verify-token', () => {
  test('200 for both verdicts of verify-token, 400 without a token', async () => {
    const { access_token } = await getTokens(gateway, person)
    const good = await postJson(gateway, '/v1/auth/verify-token', { token: access_token })
    expect(good).toMatchObject({
      status: 200,
      body: { valid: true, type: 'oauth_access_token', user: { id: person.uai, email: person.email } },
    })
    expect(Date.parse(good.body.expires_at)).toBeGreaterThan(Date.now())
    const bad = await postJson(gateway, '/v1/auth/verify-token', { token: `cli_${Date.now()}_abc` })
    expect(bad).toMatchObject({ status: 200, body: { valid: false, error: expect.any(String) } })
    expect(await postJson(gateway, '/v1/auth/verify-token', {})).toMatchObject({ status: 400, body: { valid: false } })
  })

  test('401 { valid: false } at verify without a credential, with an empty body', async () => {
    const response = await fetch(`${gateway.url}/v1/auth/verify`, { method: 'POST' })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ valid: false, code: 'AUTH_TOKEN_MISSING' })
  })

  test('200 for a cookie at me, session and session/check', async () => {
    expect((await get('/v1/auth/me', cookie)).body).toMatchObject({
      id: person.uai,
      user_id: person.uai,
      email: person.email,
    })
    expect((await get('/v1/auth/session', cookie)).body).toMatchObject({ user: { id: person.uai, platform: 'web' } })
    expect((await get('/v1/auth/session/check', cookie)).body).toMatchObject({
      authenticated: true,
      user: { id: person.uai },
    })
    expect((await get('/v1/auth/session/check')).body).toEqual({ authenticated: false, user: null })
  })
})

describe('an application opened by single sign-on', () => {
  const open = (headers: Record<string, string>) => get('/v1/auth/resolve?client_id=dashboard', headers)

  test('403 for a link on a page of another site', async () => {
    expect(await open({ ...cookie, 'sec-fetch-site': 'cross-site' })).toMatchObject({
      status: 403,
      body: { code: 'ACCESS_DENIED' },
    })
  })

  test('401 once the session that it was opened from has ended', async () => {
    const other = await signIn(gateway)
    const mine = { cookie: `lanonasis_session=${other.browser.cookies.get('lanonasis_session')}` }
    const { access_token } = (await open(mine)).body
    expect((await get('/v1/auth/verify', bearer(access_token))).status).toBe(200)
    await fetch(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers: mine })
    expect(await get('/v1/auth/verify', bearer(access_token))).toMatchObject({
      status: 401,
      body: { code: 'SESSION_INVALID' },
    })
  })
})
