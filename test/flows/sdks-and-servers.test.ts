import { beforeAll, describe, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { getTokens, post, postJson, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let ada: DirectSignIn
let key: string
beforeAll(async () => {
  ada = await directSignIn(gateway)
  key = (await newKey(gateway, ada, { scopes: ['memories:read', 'profile:read'] })).key
})

describe('SDKs (docs/wire-contract.md 5.6)', () => {
  test('hermes-lanonasis-memory: the key as Bearer, with its client id, health and me', async () => {
    const headers = { 'x-lanonasis-client-id': 'hermes' }
    expect((await api(gateway, 'GET', '/api/v1/health', { token: key, headers })).status).toBe(200)
    const { body } = await api(gateway, 'GET', '/api/v1/auth/me', { token: key, headers })
    expect(body.user_id ?? body.id).toBe(ada.uai)
  })

  test('lanonasis-sdk: me, and refresh with the bearer and nothing else', async () => {
    const { body: me } = await api(gateway, 'GET', '/api/v1/auth/me', { token: ada.token })
    for (const field of ['email', 'organizationId', 'role', 'plan', 'lastLogin', 'createdAt'])
      expect(me[field], field).toBeTruthy()
    const { status, body } = await api(gateway, 'POST', '/api/v1/auth/refresh', { token: ada.token })
    expect(status).toBe(200)
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(Date.now())
    expect((await api(gateway, 'GET', '/api/v1/auth/me', { token: body.token })).status).toBe(200)
  })

  test('memory-client: scope and organization headers with a token or a key', async () => {
    const headers = {
      'x-project-scope': 'lanonasis-maas',
      'x-organization-id': 'whatever',
      'x-request-id': crypto.randomUUID(),
    }
    for (const credential of [{ token: ada.token }, { key }]) {
      const answer = await api(gateway, 'POST', '/v1/auth/verify', { ...credential, headers })
      expect(answer.body).toMatchObject({ valid: true, project_scope: 'lanonasis-maas' })
      expect(answer.headers.get('x-request-id')).toBe(headers['x-request-id'])
    }
  })
})

describe('MCP servers (docs/wire-contract.md 5.7)', () => {
  test('the MaaS server proxies the device flow to /api/v1/oauth with its own client', async () => {
    const client = { client_id: 'lanonasis_mcp_client_2024' }
    const { status, body } = await postJson(gateway, '/api/v1/oauth/device', client)
    expect([status, body.interval]).toEqual([200, 5])
    const poll = {
      ...client,
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: body.device_code,
    }
    expect((await postJson(gateway, '/api/v1/oauth/token', poll)).body.error).toBe('authorization_pending')
  })

  test('its optional check: POST /validate', async () => {
    expect((await api(gateway, 'POST', '/validate', { token: ada.token })).body.valid).toBe(true)
  })

  test('auth_request of nginx: X-UAI-* of a token, a key and a cookie', async () => {
    const { browser, uai } = await signIn(gateway)
    const cookie = { cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}` }
    for (const [credential, who] of [
      [{ token: ada.token }, ada.uai],
      [{ key }, ada.uai],
      [{ headers: cookie }, uai],
    ] as const) {
      const { status, headers } = await api(gateway, 'GET', '/v1/auth/resolve', credential)
      expect([status, headers.get('x-uai-auth-id')]).toEqual([200, who])
      for (const name of ['organization', 'auth-method', 'credential-id', 'email', 'from-cache'])
        expect(headers.has(`x-uai-${name}`), name).toBe(true)
    }
    const refused = await api(gateway, 'GET', '/v1/auth/resolve')
    expect([refused.status, refused.headers.get('x-uai-error')]).toEqual([401, 'AUTH_REQUIRED'])
  })
})

describe('server-side consumers (docs/wire-contract.md 5.8)', () => {
  test('Supabase functions: introspection by form; no scope mentions an administrator', async () => {
    expect((await post(gateway, '/oauth/introspect', { token: ada.refreshToken })).body).toEqual({ active: false })
    for (const token of [ada.token, (await getTokens(gateway, await signIn(gateway))).access_token]) {
      const { status, body } = await post(gateway, '/oauth/introspect', { token })
      expect(status).toBe(200)
      expect(body).toMatchObject({
        active: true,
        sub: body.user_id,
        project_scope: 'lanonasis-maas',
        email: expect.any(String),
        exp: expect.any(Number),
      })
      expect(body.scope).not.toContain('admin')
    }
  })

  test('Supabase functions: verify-api-key with neither body nor content type', async () => {
    const response = await fetch(`${gateway.url}/v1/auth/verify-api-key`, {
      method: 'POST',
      headers: { 'x-api-key': key },
    })
    expect(await response.json()).toMatchObject({
      valid: true,
      userId: ada.uai,
      keyId: expect.any(String),
      projectScope: 'lanonasis-maas',
      keyContext: null,
      permissions: ['memories:read', 'profile:read'],
    })
  })

  test('the Netlify functions of the API: introspection with a hint from their own origin', async () => {
    const headers = { origin: 'https://api.lanonasis.com' }
    const { body } = await postJson(
      gateway,
      '/oauth/introspect',
      { token: ada.token, token_type_hint: 'access_token' },
      headers,
    )
    expect(body.active).toBe(true)
    expect(typeof body.scope === 'string' || Array.isArray(body.scope)).toBe(true)
  })

  test('the API gateway: sub, role and project_scope of verify at the top', async () => {
    const { body } = await api(gateway, 'POST', '/v1/auth/verify', { token: ada.token })
    expect(body).toMatchObject({ sub: ada.uai, role: 'user', project_scope: 'lanonasis-maas' })
  })

  test('the contract test: 4xx for nothing and for a bad token, 200 for a device of an unknown client', async () => {
    expect((await fetch(`${gateway.url}/oauth/authorize`)).status).toBe(400)
    const unknown = '/oauth/authorize?response_type=code&client_id=nobody&redirect_uri=http://localhost:1/cb'
    expect((await fetch(`${gateway.url}${unknown}`, { redirect: 'manual' })).status).toBe(400)
    expect(
      (await post(gateway, '/oauth/token', { grant_type: 'authorization_code', code: 'x', client_id: 'lanonasis-cli' }))
        .status,
    ).toBe(400)
    expect((await postJson(gateway, '/oauth/device', { client_id: 'test-client' })).status).toBe(200)
    expect((await postJson(gateway, '/oauth/revoke', { token: 'x' })).body).toEqual({ revoked: false })
  })
})
