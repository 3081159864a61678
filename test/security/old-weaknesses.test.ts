import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { IP_HEADER, newEmail, randomIp } from '../support/gateway.ts'
import { giveRole } from '../support/operators.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { fillLimits, openLimits } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  getTokens,
  newVerifier,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const PARTNER = { client_id: 'partner-sandbox', redirect_uri: 'http://127.0.0.1:3000/callback', scope: 'memories:read' }
const XSS = '"><script>alert(1)</script>'

const gateway = usePasswordGateway()
let ada: DirectSignIn
let person: SignedInBrowser
beforeAll(async () => {
  ada = await directSignIn(gateway)
  person = await signIn(gateway)
})
beforeEach(() => openLimits(gateway))

const verifyToken = async (token: string) => (await postJson(gateway, '/v1/auth/verify-token', { token })).body.valid
const introspect = async (token: string) => (await post(gateway, '/oauth/introspect', { token })).body
const resolve = (token: string) => api(gateway, 'GET', '/v1/auth/resolve', { token })
const handleOf = ({ browser }: SignedInBrowser) => browser.cookies.get('lanonasis_session') ?? ''

describe('6: what could be attacked', () => {
  test('6.15: a made-up cli_ token is not valid', async () => {
    for (const token of [`cli_${Date.now()}_a`, `cli_${Date.now()}_${randomBytes(16).toString('hex')}`])
      expect(await verifyToken(token)).toBe(false)
  })

  test('6.16: 401 for the stored hash of a key', async () => {
    const { id, key } = await newKey(gateway, ada)
    const hash = createHash('sha256').update(key).digest('hex')
    const stored = await gateway.sql`select * from auth_gateway.api_keys where id = ${id}`
    expect(JSON.stringify(stored)).not.toContain(key)
    for (const presented of [hash, `lano_${hash}`])
      expect((await api(gateway, 'POST', '/v1/auth/verify', { key: presented })).body).toMatchObject({ valid: false })
  })

  test('6.17: a key without scopes may read memories, and nothing narrow satisfies a wildcard', async () => {
    const { key, permissions } = await newKey(gateway, ada)
    expect(permissions).toEqual(['memories:read'])
    const asked = (scope: string) => api(gateway, 'POST', '/v1/auth/verify', { key, body: { scope } })
    expect((await asked('memories:read')).status).toBe(200)
    for (const scope of ['memories:*', '*', 'memories:write', 'legacy:full_access'])
      expect((await asked(scope)).body).toMatchObject({ valid: false, code: 'SCOPE_INSUFFICIENT' })
  })

  test('6.18: a refresh token is no access token anywhere', async () => {
    for (const refreshToken of [ada.refreshToken, (await getTokens(gateway, person)).refresh_token]) {
      expect(await verifyToken(refreshToken)).toBe(false)
      expect((await resolve(refreshToken)).status).toBe(401)
      expect((await api(gateway, 'GET', '/v1/auth/me', { token: refreshToken })).status).toBe(401)
      expect(await introspect(refreshToken)).toEqual({ active: false })
    }
  })

  test('6.19: after a logout or a revocation every endpoint says no, at once', async () => {
    const bob = await directSignIn(gateway)
    expect(await verifyToken(bob.token)).toBe(true)
    await api(gateway, 'POST', '/v1/auth/logout', { token: bob.token })
    const revoked = (await getTokens(gateway, person)).access_token
    expect((await post(gateway, '/oauth/revoke', { token: revoked })).body.revoked).toBe(true)
    for (const token of [bob.token, revoked]) {
      expect(await verifyToken(token)).toBe(false)
      expect(await introspect(token)).toEqual({ active: false })
      expect((await resolve(token)).status).toBe(401)
    }
  })

  test('6.20: a replay of a code or of an old refresh token ends everything that came of it', async () => {
    const verifier = newVerifier()
    const params = authorizeParams(verifier, { scope: 'openid offline_access', prompt: 'consent' })
    const { client_id = '', redirect_uri = '' } = params
    const code = (await authorize(person.browser, params)).get('code') ?? ''
    const form = { grant_type: 'authorization_code', client_id, redirect_uri, code, code_verifier: verifier }
    const { body: tokens } = await post(gateway, '/oauth/token', form)
    expect((await post(gateway, '/oauth/token', form)).body.error).toBe('invalid_grant')
    expect(await introspect(tokens.access_token)).toEqual({ active: false })

    const bob = await directSignIn(gateway)
    const refresh = { grant_type: 'refresh_token', client_id: 'lanonasis-cli', refresh_token: bob.refreshToken }
    const { body: next } = await post(gateway, '/oauth/token', refresh)
    await gateway.sql`update auth_gateway.token_families set rotated_at = rotated_at - interval '31 seconds'`
    expect((await post(gateway, '/oauth/token', refresh)).body.error).toBe('invalid_grant')
    expect(await introspect(next.access_token)).toEqual({ active: false })
  })

  test('6.21: people are asked, unknown clients are not registered, secrets count, and scopes are not for the client to choose', async () => {
    const page = await person.browser.visit(
      `/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier(), PARTNER))}`,
    )
    expect(page.html).toContain('Partner Sandbox')
    expect(page.location).toBeUndefined()
    const attacker = { client_id: 'attackers-own', redirect_uri: 'http://localhost:6666/cb' }
    const refused = await person.browser.visit(
      `/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier(), attacker))}`,
    )
    expect(refused.status).toBe(400)
    const known = { redirect_uri: 'http://localhost:6666/elsewhere' }
    await person.browser.visit(`/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier(), known))}`)
    const rows =
      await gateway.sql`select metadata->>'redirect_uris' as uris from auth_gateway.api_clients where metadata::text like '%6666%'`
    expect(rows).toEqual([])
    const unproven = { grant_type: 'client_credentials', client_id: 'dashboard-web' }
    expect((await post(gateway, '/oauth/token', unproven)).body.error).toBe('invalid_client')
    const register = (more: object) =>
      postJson(gateway, '/register', { redirect_uris: ['https://a.example/cb'], client_name: 'A', ...more })
    const wanted = await register({ scope: 'admin:* identities:merge memories:read' })
    expect([wanted.status, wanted.body.scope ?? wanted.body.error]).toEqual([201, 'memories:read'])
    const { body: client } = await register({ token_endpoint_auth_method: 'client_secret_post' })
    const { client_id, client_secret } = client
    expect((await post(gateway, '/oauth/introspect', { token: 'x', client_id, client_secret })).status).toBe(200)
    expect(
      (await post(gateway, '/oauth/introspect', { token: 'x', client_id, client_secret: 'mcs_wrong' })).status,
    ).toBe(401)
  })

  test.each([
    'https://dashboard.lanonasis.com/auth/callback.evil.example',
    'https://dashboard.lanonasis.com/auth/callback/../../evil',
    'https://dashboard.lanonasis.com.evil.example/auth/callback',
    'https://evil.example/https://dashboard.lanonasis.com/auth/callback',
    'https://dashboard.lanonasis.com/auth/callback?x=1',
    'https://dashboard.lanonasis.com/AUTH/callback',
    'http://dashboard.lanonasis.com/auth/callback',
    'https://user@dashboard.lanonasis.com/auth/callback',
    'https://dashboard.lanonasis.com/auth/callback#x',
    'http://127.0.0.1:3000@evil.example/auth/callback',
  ])('6.22: 400 without a redirect for %s', async (redirect_uri) => {
    const params = authorizeParams(newVerifier(), {
      client_id: 'lanonasis-api-dashboard',
      redirect_uri,
      scope: 'profile',
    })
    const page = await person.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
    expect([page.status, page.location]).toEqual([400, undefined])
  })

  test.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    'javascript:alert(1)',
    'https://dashboard.lanonasis.com@evil.example/',
    'https://lanonasis.com.evil.example/',
  ])('6.23: no way back to %s', async (to) => {
    const query = (name: string) => `${name}=${encodeURIComponent(to)}`
    const logout = await fetch(`${gateway.url}/web/logout?${query('return_to')}`, { redirect: 'manual' })
    expect(logout.headers.get('location')).toBe('/web/login')
    for (const path of [
      `/web/login?${query('return_to')}`,
      `/auth/cli-login?${query('redirect_url')}&${query('return_to')}`,
    ]) {
      const page = await createBrowser(gateway).visit(path)
      expect(page.html).not.toContain('evil.example')
      expect(page.headers.get('content-security-policy')).not.toContain('evil.example')
    }
    const away = await fetch(`${gateway.url}/v1/auth/oauth?provider=google&${query('redirect_uri')}`, {
      redirect: 'manual',
    })
    expect(away.status).toBe(400)
    const body = { email: gateway.addUser(), password: PASSWORD, return_to: to, platform: 'cli' }
    expect((await postJson(gateway, '/v1/auth/login', body)).body).not.toHaveProperty('redirect_to')
  })

  test.each([
    `/oauth/device?code=${encodeURIComponent(XSS)}`,
    `/auth/cli-login?platform=${encodeURIComponent(XSS)}&redirect_url=${encodeURIComponent(XSS)}`,
    `/web/login?error=${encodeURIComponent(XSS)}&return_to=${encodeURIComponent(XSS)}`,
    `/oauth/consent?authorization_id=${encodeURIComponent(XSS)}`,
    `/auth/cli-callback?error=${encodeURIComponent(XSS)}&state=${encodeURIComponent(XSS)}`,
    `/oauth/authorize?client_id=${encodeURIComponent(XSS)}`,
    `/web/forgot-password?email=${encodeURIComponent(XSS)}`,
    `/auth-tester?error=${encodeURIComponent(XSS)}`,
    `/${encodeURIComponent(XSS)}`,
  ])('6.24: nothing of the address runs on the page: %s', async (path) => {
    for (const browser of [createBrowser(gateway), person.browser]) {
      const page = await browser.visit(path)
      expect(page.html).not.toContain('<script>alert')
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    }
  })

  test('6.24: and nothing that people type is changed on the way', async () => {
    const password = '<b>"quoted" & \'single\'</b> ünïcödé \\0 $1 %00'
    const email = gateway.addUser(newEmail(), password)
    expect((await postJson(gateway, '/v1/auth/login', { email, password, platform: 'cli' })).status).toBe(200)
    const { body } = await api(gateway, 'POST', '/api/v1/projects', { token: ada.token, body: { name: password } })
    expect(body.name).toBe(password)
  })

  test('6.25: five tries for a code, ten guesses at the code of a device', async () => {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const right = gateway.inbox.codeFor(email)
    const wrong = right === '000000' ? '111111' : '000000'
    for (let n = 0; n < 5; n++) await postJson(gateway, '/v1/auth/otp/verify', { email, token: wrong })
    const answer = await postJson(gateway, '/v1/auth/otp/verify', { email, token: right })
    expect([answer.status, answer.body.code]).toEqual([400, 'OTP_INVALID'])
    const headers = { [IP_HEADER]: randomIp() }
    const guesses = []
    for (let n = 0; n < 12; n++)
      guesses.push(
        (await api(gateway, 'GET', `/oauth/device/check?code=BCDF-BCD${'BCDFGHJKLMNP'[n]}`, { headers })).status,
      )
    expect(guesses.slice(0, 10)).toEqual(Array(10).fill(404))
    expect(guesses.at(-1)).toBe(429)
  })

  test('6.26: tokens say by whom, for whom and under which key; the cookie is no bearer; a role is no scope', async () => {
    const keys = createRemoteJWKSet(new URL(`${gateway.url}/oauth/jwks.json`))
    const { payload } = await jwtVerify(ada.token, keys, { issuer: gateway.url, typ: 'at+jwt', algorithms: ['ES256'] })
    expect(payload).toMatchObject({
      aud: ['https://api.lanonasis.com', gateway.url],
      jti: expect.any(String),
      sub: ada.uai,
    })
    expect(decodeProtectedHeader(ada.token).kid).toEqual(expect.any(String))
    expect((await api(gateway, 'GET', '/v1/auth/me', { token: handleOf(person) })).status).toBe(401)
    const boss = await directSignIn(gateway)
    await giveRole(gateway, boss.uai, 'admin')
    expect((await introspect(boss.token)).scope).not.toContain('admin')
    for (const token of [ada.token, (await getTokens(gateway, person)).access_token]) {
      expect((await introspect(token)).scope).not.toContain('admin')
      expect((await api(gateway, 'POST', '/v1/auth/verify', { token })).body.scope).not.toContain('admin')
    }
  })

  test('6.27: 429 for unauthenticated callers that introspect many tokens', async () => {
    const headers = { [IP_HEADER]: randomIp() }
    await post(gateway, '/oauth/introspect', { token: 'junk' }, headers)
    await fillLimits(gateway, 'introspect-unknown:', 300)
    const answer = await post(gateway, '/oauth/introspect', { token: 'junk' }, headers)
    expect([answer.status, answer.headers.has('retry-after')]).toEqual([429, true])
  })

  test('6.28: 401 for a signed request that is sent again', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const public_key_pem = publicKey.export({ type: 'spki', format: 'pem' })
    const binding = { client_id: 'hermes', public_key_pem, require_request_signature: true }
    const { key } = await newKey(gateway, ada, { binding })
    const path = '/v1/auth/verify-api-key'
    const [timestamp, nonce] = [String(Math.floor(Date.now() / 1000)), randomBytes(12).toString('hex')]
    const digest = createHash('sha256').update('').digest('hex')
    const text = ['POST', path, timestamp, nonce, digest, '', '', 'hermes', ''].join('\n')
    const headers = {
      'x-lanonasis-client-id': 'hermes',
      'x-lanonasis-timestamp': timestamp,
      'x-lanonasis-nonce': nonce,
      'x-lanonasis-content-sha256': digest,
      'x-lanonasis-signature': `v1=${sign(null, Buffer.from(text), privateKey).toString('base64')}`,
    }
    expect((await api(gateway, 'POST', path, { key, headers })).status).toBe(200)
    expect((await api(gateway, 'POST', path, { key, headers })).body.code).toBe('SIGNATURE_INVALID')
  })

  test('6.29: discovery promises nothing that is not there', async () => {
    const document = await (await fetch(`${gateway.url}/.well-known/openid-configuration`)).json()
    const addresses = Object.entries(document).filter(([name]) => /_(endpoint|uri)$/.test(name)) as [string, string][]
    expect(addresses.length).toBeGreaterThan(8)
    for (const [name, address] of addresses) {
      const { status } = await fetch(address, { method: 'OPTIONS' })
      const got = await fetch(address, { redirect: 'manual' })
      expect([status, got.status], name).not.toContain(404)
    }
    const { id_token = '' } = await getTokens(gateway, person)
    expect(document.id_token_signing_alg_values_supported).toEqual([decodeProtectedHeader(id_token).alg])
    const keys = createRemoteJWKSet(new URL(document.jwks_uri))
    await jwtVerify(id_token, keys, { issuer: document.issuer })
  })

  test('3.2: opaque tokens have neither dots nor the prefix of a key', async () => {
    const { body: device } = await postJson(gateway, '/oauth/device', { client_id: 'lanonasis-mcp-cli' })
    const code = (await authorize(person.browser, authorizeParams(newVerifier()))).get('code') ?? ''
    const opaque = [
      ada.refreshToken,
      handleOf(person),
      device.device_code,
      code,
      (await getTokens(gateway, person)).refresh_token,
    ]
    for (const token of opaque) expect(token).toMatch(/^(?!cli_|lano_|pk_|sk_|vx_|lns_|lms_)[A-Za-z0-9_-]{43,}$/)
  })
})
