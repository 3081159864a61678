import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mirrorsOf } from '../../shared/http/canonical-path.ts'
import { api, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { IP_HEADER, newEmail, randomIp } from '../support/gateway.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { openLimits } from '../support/rows.ts'
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

const ISSUER = 'https://auth.lanonasis.com'
const DASHBOARD = 'https://dashboard.lanonasis.com'

const gateway = usePasswordGateway()
let ada: DirectSignIn
let person: SignedInBrowser
let key: string
beforeAll(async () => {
  ada = await directSignIn(gateway)
  person = await signIn(gateway)
  key = (await newKey(gateway, ada, { scopes: ['memories:read', 'profile:read'] })).key
})
beforeEach(() => openLimits(gateway))

const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  fetch(`${gateway.url}${path}`, { method, body, redirect: 'manual', headers: { [IP_HEADER]: randomIp(), ...headers } })
const jsonOf = async (response: Response): Promise<Body> => ({ status: response.status, body: await response.json() })
const JSON_TYPE = { 'content-type': 'application/json' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }

describe('1.0: bodies', () => {
  /** Posts of every family with what a real client sends, and the status that it gets. */
  const posts: [path: string, fields: () => Record<string, string>, status: number][] = [
    ['/oauth/introspect', () => ({ token: ada.token }), 200],
    ['/oauth/revoke', () => ({ token: 'unknown' }), 200],
    ['/oauth/device', () => ({ client_id: 'lanonasis-mcp-cli' }), 200],
    ['/oauth/token', () => ({ grant_type: 'refresh_token', client_id: 'lanonasis-cli', refresh_token: 'x' }), 400],
    ['/v1/auth/verify-token', () => ({ token: ada.token }), 200],
    ['/v1/auth/introspect', () => ({ token: ada.token }), 200],
    ['/v1/auth/otp/send', () => ({ email: newEmail() }), 200],
    ['/v1/auth/refresh', () => ({ refresh_token: 'x' }), 401],
    ['/v1/auth/login', () => ({ email: gateway.addUser(), password: PASSWORD, platform: 'cli' }), 200],
  ]

  test.each(posts)('1.0 body types: %s takes JSON and a form alike', async (path, fields, status) => {
    expect((await send('POST', path, JSON_TYPE, JSON.stringify(fields()))).status).toBe(status)
    expect((await send('POST', path, FORM_TYPE, new URLSearchParams(fields()).toString())).status).toBe(status)
  })

  test.each(posts)('1.0 empty body: %s takes none as {}, with any type and length', async (path) => {
    const nothing = await send('POST', path)
    for (const headers of [JSON_TYPE, FORM_TYPE, { 'content-length': '0' }]) {
      const answer = await send('POST', path, headers)
      expect(answer.status).toBe(nothing.status)
      expect(await answer.text()).not.toContain('INVALID_BODY')
    }
    expect((await send('POST', path, JSON_TYPE, '{}')).status).toBe(nothing.status)
  })

  test.each([
    ['/v1/auth/verify-token', '{"token":', 'code', 'INVALID_BODY'],
    ['/v1/auth/verify-token', '[1]', 'code', 'INVALID_BODY'],
    ['/v1/auth/verify-token', '"x"', 'code', 'INVALID_BODY'],
    ['/oauth/introspect', '{"token":', 'error', 'invalid_request'],
  ])('1.0 JSON error: 400 for %s with %s', async (path, text, member, expected) => {
    const { status, body } = await jsonOf(await send('POST', path, JSON_TYPE, text))
    expect([status, body[member]]).toEqual([400, expected])
  })

  test.each([
    ['/v1/nowhere', { code: 'ROUTE_NOT_FOUND', error: 'Not found' }],
    ['/api/v1/nowhere', { code: 'ROUTE_NOT_FOUND', error: 'Not found' }],
    ['/oauth/nowhere', { error: 'invalid_request', error_description: 'Not found' }],
  ])('1.0 unknown route: 404 in the dialect of %s', async (path, expected) => {
    const answer = await jsonOf(await send('GET', path))
    expect(answer).toMatchObject({ status: 404, body: expected })
  })
})

describe('1.0 and 5.9.10: CORS', () => {
  const preflight = async (path: string, origin: string, method = 'POST', header = 'x-platform') => {
    const asked = { 'access-control-request-method': method, 'access-control-request-headers': header }
    const { status, headers } = await send('OPTIONS', path, { origin, ...asked })
    return { status, origin: headers.get('access-control-allow-origin'), headers }
  }

  test.each([
    DASHBOARD,
    'https://anything.lanonasis.com',
    'https://api.lanonasis.com',
    'https://mcp.lanonasis.com',
    'https://mcp1.lanonasis.com',
    'https://maas.lanonasis.com',
    ISSUER,
    'http://localhost:3000',
    'http://localhost:5173',
  ])('1.0 CORS: %s may read answers, with credentials', async (origin) => {
    for (const path of ['/v1/auth/verify', '/oauth/token', '/api/v1/api-keys']) {
      const seen = await preflight(path, origin)
      expect(seen).toMatchObject({ status: 204, origin })
      expect(seen.headers.get('access-control-allow-credentials')).toBe('true')
    }
  })

  test.each(['https://evil.example', 'https://lanonasis.com.evil.example', 'http://dashboard.lanonasis.com', 'null'])(
    '1.0 CORS: %s may not, but at the OAuth endpoints, without credentials',
    async (origin) => {
      expect((await preflight('/v1/auth/verify', origin)).origin).toBeNull()
      const { headers, ...open } = await preflight('/oauth/token', origin)
      expect(open.origin).toBe('*')
      expect(headers.get('access-control-allow-credentials')).toBeNull()
    },
  )

  test.each([
    'X-Platform',
    'X-API-Key',
    'X-Auth-Method',
    'X-CSRF-Token',
    'X-Organization-ID',
    'X-Project-Scope',
    'X-Request-ID',
    'X-Requested-With',
    'Authorization',
    'Content-Type',
  ])('5.9.10: %s may be sent', async (name) => {
    const { headers } = await preflight('/v1/auth/verify', DASHBOARD, 'POST', name)
    expect(headers.get('access-control-allow-headers')?.split(', ')).toContain(name)
  })

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('5.9.10: %s may be used', async (method) => {
    const { headers } = await preflight('/api/v1/projects', DASHBOARD, method)
    expect(headers.get('access-control-allow-methods')?.split(', ')).toContain(method)
  })

  test.each([
    'X-Request-ID',
    'X-Auth-Source',
    'X-Actor-Id',
    'X-Actor-Type',
    'X-API-Key-Id',
    'X-Project-Scope',
    'X-RateLimit-Limit',
    'X-RateLimit-Remaining',
    'X-RateLimit-Reset',
  ])('1.0 CORS: pages may read %s', async (name) => {
    const { headers } = await send('GET', '/v1/auth/me', { origin: DASHBOARD })
    expect(headers.get('access-control-expose-headers')?.split(', ')).toContain(name)
  })

  test.each(['/health', '/ready', '/api/v1/health', '/.well-known/onasis.json', '/oauth/jwks.json', '/openapi.json'])(
    '1.1: %s is for every origin',
    async (path) => {
      expect(
        (await send('GET', path, { origin: 'https://anyone.example' })).headers.get('access-control-allow-origin'),
      ).toBe('*')
    },
  )
})

describe('2.1: request headers', () => {
  const ways: [name: string, headers: () => Record<string, string>][] = [
    ['Authorization: Bearer <JWT>', () => ({ authorization: `Bearer ${ada.token}` })],
    ['authorization: bearer, in small letters', () => ({ authorization: `bearer ${ada.token}` })],
    ['Authorization: Bearer lano_…', () => ({ authorization: `Bearer ${key}` })],
    ['Authorization: ApiKey', () => ({ authorization: `ApiKey ${key}` })],
    ['a bare key in Authorization', () => ({ authorization: key })],
    ['X-API-Key beside a raw vx_ value', () => ({ authorization: 'vx_old', 'x-api-key': key })],
    ['x-api-key', () => ({ 'x-api-key': key })],
    [
      'X-Auth-Method is a hint and no more',
      () => ({ authorization: `Bearer ${ada.token}`, 'x-auth-method': 'vendor_key' }),
    ],
  ]
  test.each(ways)('2.1: 200 with %s', async (_, headers) => {
    expect(await jsonOf(await send('POST', '/v1/auth/verify', headers()))).toMatchObject({
      status: 200,
      body: { valid: true, sub: ada.uai },
    })
  })

  test.each(['access_token', 'api_key', 'token'])('2.1: 401 for a credential in the URL: ?%s=', async (name) => {
    expect((await send('GET', `/v1/auth/me?${name}=${name === 'api_key' ? key : ada.token}`)).status).toBe(401)
  })

  test.each([
    ['lanonasis-maas', 'lanonasis-maas'],
    ['maas', 'maas'],
    ['app_maas_dashboard', 'app_maas_dashboard'],
    ['something unknown', 'lanonasis-maas'],
  ])('2.1 and 3.6: X-Project-Scope %s is taken as %s', async (asked, taken) => {
    const { body } = await api(gateway, 'POST', '/v1/auth/verify', { key, headers: { 'x-project-scope': asked } })
    expect(body.project_scope).toBe(taken)
  })

  test('2.1: X-Request-ID comes back if it is a uuid, else a new one does', async () => {
    const id = randomUUID()
    expect((await send('GET', '/health', { 'x-request-id': id })).headers.get('x-request-id')).toBe(id)
    const made = (await send('GET', '/health', { 'x-request-id': '<script>' })).headers.get('x-request-id')
    expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  })
})

describe('2.2: response headers', () => {
  test.each(['/health', '/v1/auth/me', '/oauth/token', '/nowhere', '/web/login', '/oauth/authorize', '/services'])(
    '2.2 and 1.0: %s carries a request id and the security headers',
    async (path) => {
      const { headers } = await send('GET', path)
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    },
  )

  test.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/device', '/v1/auth/otp/send'])(
    '1.0: %s is never stored',
    async (path) => {
      expect((await send('POST', path)).headers.get('cache-control')).toContain('no-store')
    },
  )

  test.each([
    'x-uai-auth-id',
    'x-uai-organization',
    'x-uai-auth-method',
    'x-uai-credential-id',
    'x-uai-email',
    'x-uai-from-cache',
    'x-auth-source',
    'x-actor-id',
    'x-actor-type',
    'x-api-key-id',
    'x-project-scope',
  ])('2.2: a resolved request says %s', async (name) => {
    const { headers } = await send('GET', '/v1/auth/resolve', { 'x-api-key': key, 'x-uai-auth-id': 'forged' })
    expect(headers.has(name)).toBe(true)
    expect(headers.get(name)).not.toBe('forged')
  })

  test('2.2: a refused one says X-UAI-Error; a limited one Retry-After', async () => {
    expect((await send('GET', '/v1/auth/resolve')).headers.get('x-uai-error')).toBe('AUTH_REQUIRED')
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const limited = await postJson(gateway, '/v1/auth/otp/send', { email })
    expect(limited).toMatchObject({ status: 429, body: { code: 'OTP_RATE_LIMITED', retry_after: expect.any(Number) } })
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('2.3: cookies', () => {
  test('2.3: lanonasis_session is opaque and HttpOnly, lanonasis_user is readable and has id, email and role', async () => {
    const answer = await api(gateway, 'POST', '/v1/auth/token/exchange', { token: await gateway.supabaseToken() })
    const [session = '', user = ''] = answer.headers.getSetCookie()
    expect(session).toMatch(/^lanonasis_session=[A-Za-z0-9_-]{64}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(user).toMatch(/^lanonasis_user=[^;]+; Max-Age=\d+; Path=\/; SameSite=Lax$/)
    const { id, email, role } = JSON.parse(decodeURIComponent(/=([^;]+)/.exec(user)?.[1] ?? ''))
    expect({ id, email, role }).toEqual({ id: answer.body.user.id, email: answer.body.user.email, role: 'user' })
  })

  test('2.3: only platform web gets them', async () => {
    const email = gateway.addUser()
    const { headers } = await postJson(gateway, '/v1/auth/login', { email, password: PASSWORD, platform: 'cli' })
    expect(headers.getSetCookie()).toEqual([])
  })
})

describe('1: two dialects, read in the order message, error, reason, code', () => {
  test.each([
    ['/v1/auth/login', 'MISSING_CREDENTIALS'],
    ['/v1/auth/refresh', 'MISSING_REFRESH_TOKEN'],
    ['/v1/auth/verify', 'AUTH_TOKEN_MISSING'],
    ['/v1/auth/verify-api-key', 'API_KEY_MISSING'],
    ['/v1/auth/token/exchange', 'TOKEN_MISSING'],
    ['/v1/auth/otp/send', 'MISSING_EMAIL'],
    ['/api/v1/api-keys', 'AUTH_REQUIRED'],
  ])('1 API dialect: %s answers with a sentence and %s', async (path, code) => {
    const { body } = await jsonOf(await send('POST', path))
    expect(body).toMatchObject({
      code,
      message: expect.stringMatching(/^[A-Z]/),
      error: expect.stringMatching(/^[A-Z]/),
    })
  })

  test.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/device', '/register'])(
    '1 OAuth dialect: %s answers with error and error_description',
    async (path) => {
      const { body } = await jsonOf(await send('POST', path))
      expect(body.error).toMatch(/^[a-z_]+$/)
      expect(body.error_description).toMatch(/^[\x20-\x7e]+$/)
    },
  )
})

describe('5.9: the shapes that clients need', () => {
  test('5.9.1: a password login has tokens, a number of seconds, and the address', async () => {
    const email = gateway.addUser()
    const { body } = await postJson(gateway, '/v1/auth/login', { email, password: PASSWORD })
    expect(body).toMatchObject({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: expect.any(Number),
      user: { email },
    })
  })

  test('5.9.2: verify says valid, or 401 with a code of its own and a sentence', async () => {
    expect((await postJson(gateway, '/v1/auth/verify', {}, { 'x-api-key': key })).body.valid).toBe(true)
    const { status, body } = await postJson(gateway, '/v1/auth/verify', {}, { 'x-api-key': 'lano_wrong' })
    expect([status, body.valid]).toEqual([401, false])
    expect(body.code).not.toBe('AUTH_TOKEN_MISSING')
    expect(body.message).toMatch(/ .*\.$/)
  })

  test.each(['junk', 'a.b.c', 'cli_1_x', 'lano_x', 'vx_y', 'x'.repeat(64)])(
    '5.9.3: 200 and valid: false for %s',
    async (token) => {
      expect(await postJson(gateway, '/v1/auth/verify-token', { token })).toMatchObject({
        status: 200,
        body: { valid: false },
      })
    },
  )

  test('5.9.4: session refresh tokens at /oauth/token by JSON and by form', async () => {
    const one = await directSignIn(gateway)
    const fields = { grant_type: 'refresh_token', client_id: 'lanonasis-cli' }
    const first = await postJson(gateway, '/oauth/token', { ...fields, refresh_token: one.refreshToken })
    const second = await post(gateway, '/oauth/token', { ...fields, refresh_token: first.body.refresh_token })
    expect([first.status, second.status]).toEqual([200, 200])
  })

  test('5.9.5: revoke: true for a token that lived, false for an unknown one, 200 both', async () => {
    const { access_token: token } = await getTokens(gateway, person)
    expect(await postJson(gateway, '/oauth/revoke', { token })).toMatchObject({ status: 200, body: { revoked: true } })
    expect(await postJson(gateway, '/oauth/revoke', { token: 'junk' })).toMatchObject({
      status: 200,
      body: { revoked: false },
    })
  })

  test('5.9.6: a refusal goes back to the client with error, description and state, unless the client cannot be trusted', async () => {
    const denied = await authorize(person.browser, authorizeParams(newVerifier(), { state: 's t' }), 'deny')
    expect(Object.fromEntries(denied)).toMatchObject({
      error: 'access_denied',
      error_description: expect.any(String),
      state: 's t',
    })
    const scopeless = await authorize(person.browser, authorizeParams(newVerifier(), { scope: 'no:such' }))
    expect(scopeless.get('error')).toBe('invalid_scope')
    expect(
      (await send('GET', '/oauth/authorize?response_type=code&client_id=nobody&redirect_uri=https://a.example')).status,
    ).toBe(400)
  })

  test.each([
    'id',
    'user_id',
    'email',
    'name',
    'avatar_url',
    'role',
    'plan',
    'provider',
    'organization_id',
    'organizationId',
    'project_scope',
    'platform',
    'created_at',
    'createdAt',
    'last_sign_in_at',
    'lastLogin',
    'metadata',
  ])('5.9.7: me has %s', async (field) => {
    expect((await api(gateway, 'GET', '/api/v1/auth/me', { token: ada.token })).body).toHaveProperty(field)
  })

  test('5.9.8: keys in an envelope, projects bare, deletions in JSON', async () => {
    const list = await api(gateway, 'GET', '/api/v1/api-keys', { token: ada.token })
    expect(list.body).toMatchObject({ success: true, data: expect.any(Array) })
    expect((await api(gateway, 'GET', '/api/v1/projects', { token: ada.token })).body).toEqual(expect.any(Array))
    const { id } = await newKey(gateway, ada)
    expect(await api(gateway, 'DELETE', `/api/v1/api-keys/${id}`, { token: ada.token })).toMatchObject({
      status: 200,
      body: { success: true },
    })
  })

  test('5.9.9: 200 for any string; sub, user_id, scope, email, project_scope and exp for a live access token or key; never for a refresh token', async () => {
    for (const token of ['junk', 'a.b.c', 'lms_x', 'vx_x', '🙂', 'x'.repeat(4000)])
      expect(await postJson(gateway, '/oauth/introspect', { token })).toMatchObject({
        status: 200,
        body: { active: false },
      })
    const { access_token, refresh_token } = await getTokens(gateway, person)
    for (const token of [ada.refreshToken, refresh_token])
      expect((await postJson(gateway, '/oauth/introspect', { token })).body).toEqual({ active: false })
    for (const token of [ada.token, access_token, key]) {
      const { body } = await postJson(gateway, '/oauth/introspect', { token })
      expect(body).toMatchObject({
        active: true,
        sub: body.user_id,
        scope: expect.any(String),
        email: expect.any(String),
        project_scope: 'lanonasis-maas',
      })
      expect(body.scope).not.toContain('admin')
      if (token !== key) expect(body.exp).toEqual(expect.any(Number))
    }
  })
})

test.each(['/oauth/token', '/v1/auth/me', '/v1/auth/api-keys', '/health', '/v1/auth/otp/send', '/v1/projects'])(
  '1.0 mirrors: every path of %s answers alike',
  async (canonical) => {
    const answers = await Promise.all(
      mirrorsOf(canonical).map(async (path) => {
        const response = await send('POST', path)
        return `${response.status} ${(await response.text()).replace(/"timestamp":"[^"]*"/, '')}`
      }),
    )
    expect(answers.length).toBeGreaterThan(1)
    expect(new Set(answers).size).toBe(1)
  },
)
