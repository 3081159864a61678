import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { api, type Body } from '../support/api-keys.ts'
import { newEmail } from '../support/gateway.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { openLimits } from '../support/rows.ts'
import { postJson } from '../support/sign-in.ts'

const gateway = usePasswordGateway({ API_URL: 'https://api.lanonasis.com' })
beforeEach(() => openLimits(gateway))

/** What the CLI sends with every call (docs/wire-contract.md 5.1). */
const common = () => ({ 'x-request-id': randomUUID(), 'x-project-scope': 'lanonasis-maas' })
const byToken = (token: string) => ({ ...common(), authorization: `Bearer ${token}`, 'x-auth-method': 'jwt' })
const byKey = (key: string) => ({ ...common(), 'x-api-key': key, 'x-auth-method': 'vendor_key' })

async function login(email = gateway.addUser()): Promise<Body> {
  const { status, body } = await postJson(gateway, '/v1/auth/login', { email, password: PASSWORD }, common())
  expect(status).toBe(200)
  return body
}

/** Unwraps an answer as the CLI does. */
const unwrapped = (body: Body) => body?.data ?? body

describe('lanonasis-cli 3.11.2 (docs/wire-contract.md 5.1)', () => {
  test('Discovery: auth.base and the endpoints', async () => {
    const { status, body } = await api(gateway, 'GET', '/.well-known/onasis.json')
    expect(status).toBe(200)
    expect(body.auth.base ?? body.auth.login).toBe(gateway.url)
    expect(body.endpoints).toMatchObject({
      http: expect.any(String),
      websocket: expect.any(String),
      sse: expect.any(String),
    })
  })

  test('Health: both paths', async () => {
    for (const path of ['/health', '/api/v1/health']) expect((await api(gateway, 'GET', path)).status).toBe(200)
  })

  test('Password login: token, refresh token, a number of seconds, and the user’s address', async () => {
    const email = gateway.addUser()
    const body = await login(email)
    expect(body.token || body.access_token).toEqual(expect.any(String))
    expect(body.refresh_token).toEqual(expect.any(String))
    expect(typeof body.expires_in).toBe('number')
    expect(body.user.email).toBe(email)
  })

  test('Password login: 401 for a wrong password', async () => {
    const answer = await postJson(gateway, '/v1/auth/login', { email: gateway.addUser(), password: 'wrong horse' })
    expect([answer.status, answer.body.code]).toEqual([401, 'AUTH_INVALID_CREDENTIALS'])
  })

  test('Register: user.email and user.plan', async () => {
    const email = newEmail()
    const { status, body } = await postJson(gateway, '/v1/auth/signup', { email, password: PASSWORD, name: 'Ada' })
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ email, plan: 'free' })
  })

  test('Refresh: a password session at the token endpoint, by JSON, before and after the access token is over', async () => {
    let { refresh_token } = await login()
    for (let n = 0; n < 2; n++) {
      const form = { grant_type: 'refresh_token', refresh_token, client_id: 'lanonasis-cli' }
      const { status, body } = await postJson(gateway, '/oauth/token', form)
      expect(status).toBe(200)
      const tokens = body.data ?? body
      expect(tokens.access_token ?? tokens.token).toEqual(expect.any(String))
      expect(typeof tokens.expires_in).toBe('number')
      refresh_token = tokens.refresh_token
    }
  })

  test('Token check and isAuthenticated: verify, then verify-token', async () => {
    const { access_token: token } = await login()
    const verify = await postJson(gateway, '/v1/auth/verify', {}, byToken(token))
    expect(verify.body.valid === true || verify.body.payload).toBeTruthy()
    expect((await postJson(gateway, '/v1/auth/verify-token', { token })).body.valid).toBe(true)
    const bad = await postJson(gateway, '/v1/auth/verify-token', { token: `cli_${Date.now()}_abcdef` })
    expect([bad.status, bad.body.valid]).toEqual([200, false])
  })

  test('Vendor key: one request for a good key, one for a bad key', async () => {
    const { access_token: token } = await login()
    const made = unwrapped(
      (await api(gateway, 'POST', '/api/v1/api-keys', { headers: byToken(token), body: { name: 'laptop' } })).body,
    )
    const good = await postJson(gateway, '/v1/auth/verify', {}, byKey(made.key))
    expect(good.body.valid).toBe(true)
    const bad = await postJson(gateway, '/v1/auth/verify', {}, byKey(`${made.key.slice(0, -1)}0x`))
    expect(bad.status).toBe(401)
    expect(bad.body.code).toBeTruthy()
    expect(bad.body.code).not.toBe('AUTH_TOKEN_MISSING')
    expect(bad.body.message).toMatch(/^[A-Z].*\.$/)
  })

  test('Profile: every field it prints', async () => {
    const email = gateway.addUser()
    const { access_token: token } = await login(email)
    const { status, body } = await api(gateway, 'GET', '/v1/auth/me', { headers: byToken(token) })
    expect(status).toBe(200)
    expect(body.email).toBe(email)
    for (const field of [
      'name',
      'organization_id',
      'organizationId',
      'role',
      'plan',
      'provider',
      'project_scope',
      'last_sign_in_at',
      'created_at',
    ])
      expect(body, field).toHaveProperty(field)
  })

  test('API keys: create, list, all, show, change, delete', async () => {
    const headers = byToken((await login()).access_token)
    const wanted = {
      name: 'cli',
      access_level: 'team',
      expires_in_days: 365,
      consumer: 'claude',
      scopes: ['memories:read'],
    }
    const created = await api(gateway, 'POST', '/api/v1/api-keys', { headers, body: wanted })
    expect(created.status).toBe(201)
    const key = unwrapped(created.body)
    expect(key).toMatchObject({
      name: 'cli',
      access_level: 'team',
      consumer: 'claude',
      permissions: ['memories:read'],
      key: expect.stringMatching(/^lano_[0-9a-f]{64}$/),
    })
    for (const field of [
      'id',
      'key_context',
      'service',
      'service_scopes',
      'expires_at',
      'last_used_at',
      'created_at',
      'is_active',
      'user_id',
    ])
      expect(key, field).toHaveProperty(field)
    const shown = await api(gateway, 'GET', `/api/v1/api-keys/${key.id}`, { headers })
    expect(unwrapped(shown.body)).not.toHaveProperty('key')
    const changed = await api(gateway, 'PUT', `/api/v1/api-keys/${key.id}`, { headers, body: { name: 'renamed' } })
    expect(unwrapped(changed.body).name).toBe('renamed')
    expect((await api(gateway, 'DELETE', `/api/v1/api-keys/${key.id}`, { headers })).body.success).toBe(true)
    expect(unwrapped((await api(gateway, 'GET', '/api/v1/api-keys', { headers })).body)).toEqual([])
    expect(
      Array.isArray(unwrapped((await api(gateway, 'GET', '/api/v1/api-keys?active_only=false', { headers })).body)),
    ).toBe(true)
  })

  test('Key projects: create and list under the address of keys', async () => {
    const headers = byToken((await login()).access_token)
    const made = await api(gateway, 'POST', '/api/v1/api-keys/projects', { headers, body: { name: 'Notes' } })
    expect(unwrapped(made.body).name).toBe('Notes')
    const { body } = await api(gateway, 'GET', '/api/v1/api-keys/projects', { headers })
    expect(unwrapped(body)).toHaveLength(1)
  })

  test('MCP connect: the same token twice; only 401 and 403 fail', async () => {
    const { access_token: token } = await login()
    const both = (value: string) => ({ authorization: `Bearer ${value}`, 'x-api-key': value })
    expect((await api(gateway, 'GET', '/auth/validate', { headers: both(token) })).status).toBe(200)
    expect((await api(gateway, 'GET', '/auth/validate', { headers: both('a.b.c') })).status).toBe(401)
  })
})

describe('repl-cli 1.1.0 (docs/wire-contract.md 5.5)', () => {
  test('--otp: a code, then tokens; each start refreshes, which is safe to repeat', async () => {
    const email = newEmail()
    expect((await postJson(gateway, '/v1/auth/otp/send', { email })).body.success).toBe(true)
    const first = await postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) })
    const again = () =>
      postJson(gateway, '/oauth/token', {
        grant_type: 'refresh_token',
        refresh_token: first.body.refresh_token,
        client_id: 'lanonasis-repl-cli',
      })
    const [one, two] = [await again(), await again()]
    expect([one.status, two.status]).toEqual([200, 200])
    expect(two.body.refresh_token).toBe(one.body.refresh_token)
    const { body } = await postJson(gateway, '/oauth/introspect', { token: one.body.access_token })
    expect(body.active).toBe(true)
    const revoked = await postJson(gateway, '/oauth/revoke', { token: one.body.access_token })
    expect(revoked.body.revoked).toBe(true)
  })
})
