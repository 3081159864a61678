import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { IP_HEADER, newEmail, randomIp } from '../support/gateway.ts'
import { usePasswordGateway } from '../support/passwords.ts'
import { openLimits } from '../support/rows.ts'
import { post } from '../support/sign-in.ts'

const DASHBOARD = 'https://dashboard.lanonasis.com'

const gateway = usePasswordGateway()
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})
beforeEach(() => openLimits(gateway))

const cookiesOf = (headers: Headers) => headers.getSetCookie().map((line) => line.split(';')[0] ?? '')

/** A call from a page of the dashboard: the preflight first, as the browser sends it. */
async function fromDashboard(method: string, path: string, headers: Record<string, string>, body?: object) {
  const names = [...Object.keys(headers), ...(body ? ['content-type'] : [])].filter((name) => name !== 'cookie')
  const preflight = await fetch(`${gateway.url}${path}`, {
    method: 'OPTIONS',
    headers: {
      origin: DASHBOARD,
      'access-control-request-method': method,
      'access-control-request-headers': names.join(', '),
    },
  })
  const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase() ?? ''
  for (const name of names) expect(allowed, `preflight for ${name}`).toContain(name)
  expect(preflight.headers.get('access-control-allow-methods')).toContain(method)
  const answer = await fetch(`${gateway.url}${path}`, {
    method,
    headers: {
      [IP_HEADER]: randomIp(),
      origin: DASHBOARD,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(answer.headers.get('access-control-allow-origin')).toBe(DASHBOARD)
  expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined }
}

describe('the dashboard (docs/wire-contract.md 5.4)', () => {
  test('1: exchanges the Supabase token at sign-in, again at each page load', async () => {
    const email = newEmail()
    const headers = {
      authorization: `Bearer ${await gateway.supabaseToken(email)}`,
      'x-project-scope': 'lanonasis-maas',
    }
    for (let load = 0; load < 4; load++) {
      const body = { project_scope: 'lanonasis-maas', platform: 'web' }
      const answer = await fromDashboard('POST', '/v1/auth/token/exchange', headers, body)
      expect(answer.status).toBe(200)
      expect(answer.body).toMatchObject({
        access_token: expect.any(String),
        refresh_token: expect.any(String),
        expires_in: expect.any(Number),
        user: { id: expect.any(String), email },
      })
    }
  })

  test('2: syncs cookies by a request without a body, with X-Platform; 5: logs out by the cookie alone', async () => {
    const headers = {
      authorization: `Bearer ${await gateway.supabaseToken()}`,
      'x-platform': 'web',
      'x-project-scope': 'app_maas_dashboard',
    }
    const synced = await fromDashboard('POST', '/v1/auth/token/exchange', headers)
    expect(synced).toMatchObject({ status: 200, body: { cookies_set: true } })
    const [session = '', user = ''] = cookiesOf(synced.headers)
    expect(session).toMatch(/^lanonasis_session=.+/)
    const { id, email, role } = JSON.parse(decodeURIComponent(user.replace('lanonasis_user=', '')))
    expect([id, email, role]).toEqual([synced.body.user.id, synced.body.user.email, 'user'])
    const cookie = `${session}; ${user}`
    const out = await fromDashboard('POST', '/v1/auth/logout', { cookie })
    expect(out).toMatchObject({ status: 200, body: { success: true, revoked: true } })
    expect(cookiesOf(out.headers)).toEqual(expect.arrayContaining(['lanonasis_session=', 'lanonasis_user=']))
    const check = await api(gateway, 'GET', '/v1/auth/session/check', { headers: { cookie } })
    expect(check.body).toEqual({ authenticated: false, user: null })
  })

  test('3: refreshes after a 401, and reads the user', async () => {
    const { body: session } = await api(gateway, 'POST', '/v1/auth/token/exchange', {
      token: await gateway.supabaseToken(),
    })
    const given = { refresh_token: session.refresh_token }
    const { status, body } = await fromDashboard('POST', '/v1/auth/refresh', {}, given)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      access_token: expect.any(String),
      expires_in: expect.any(Number),
      refresh_token: expect.any(String),
      user: { id: session.user.id },
    })
    const dead = await fromDashboard('POST', '/v1/auth/refresh', {}, { refresh_token: 'junk' })
    expect([dead.status, dead.body.code]).toEqual([401, 'INVALID_REFRESH_TOKEN'])
  })

  test('4: keys, with services, consumer and binding; stored keys by PATCH', async () => {
    const headers = { authorization: `Bearer ${ada.token}`, 'x-platform': 'dashboard', 'x-project-scope': 'maas' }
    const wanted = {
      name: '[claude] Desk',
      scopes: ['memories:read'],
      key_context: 'personal',
      consumer: 'claude',
      binding: { client_id: 'hermes' },
      expires_in_days: 30,
      service_type: 'specific',
      service_keys: ['memories'],
    }
    const made = await fromDashboard('POST', '/api/v1/api-keys/with-services', headers, wanted)
    expect(made.status).toBe(201)
    expect(made.body.data).toMatchObject({
      permissions: expect.arrayContaining(['memories:read']),
      consumer: 'claude',
      binding: { client_id: 'hermes' },
      service: 'specific',
    })
    const listed = await fromDashboard('GET', '/api/v1/api-keys', headers)
    expect(listed.body.data[0]).toMatchObject({ id: made.body.data.id, key_preview: expect.any(String) })
    expect((await fromDashboard('DELETE', `/api/v1/api-keys/${made.body.data.id}`, headers)).body.success).toBe(true)
    const project = await fromDashboard('POST', '/api/v1/projects', headers, { name: 'Desk' })
    const secret = { name: 'OPENAI', encryptedValue: 'ciphertext' }
    const stored = await fromDashboard('POST', `/api/v1/projects/${project.body.id}/api-keys`, headers, secret)
    const path = `/api/v1/projects/${project.body.id}/api-keys/${stored.body.id}`
    expect((await fromDashboard('PATCH', path, headers, { environment: 'production' })).body.environment).toBe(
      'production',
    )
  })

  test('6: health with X-Project-Scope, and verify by GET', async () => {
    expect((await api(gateway, 'GET', '/health', { headers: { 'x-project-scope': 'maas' } })).body.status).toBe('ok')
    expect((await api(gateway, 'GET', '/v1/auth/verify', { token: ada.token })).body.valid).toBe(true)
  })

  test('vx keys: a bare Authorization is ignored next to X-API-Key', async () => {
    const { key } = await newKey(gateway, ada)
    const headers = { authorization: 'vx_something_old', 'x-api-key': key }
    expect((await api(gateway, 'POST', '/v1/auth/verify', { headers, body: {} })).body.valid).toBe(true)
  })
})

describe('VS Code (docs/wire-contract.md 5.3)', () => {
  test('projects come bare, and every reply is JSON', async () => {
    const { token } = await directSignIn(gateway)
    expect((await api(gateway, 'GET', '/api/v1/projects', { token })).body).toEqual([])
    const { body: made } = await api(gateway, 'POST', '/api/v1/projects', {
      token,
      body: { name: 'One', description: 'a' },
    })
    expect(made).toMatchObject({
      id: expect.any(String),
      name: 'One',
      organizationId: expect.any(String),
      teamMembers: [],
      createdAt: expect.any(String),
    })
    expect((await api(gateway, 'PUT', `/api/v1/projects/${made.id}`, { token, body: { name: 'Two' } })).body.name).toBe(
      'Two',
    )
    expect((await api(gateway, 'DELETE', `/api/v1/projects/${made.id}`, { token })).body).toEqual({ success: true })
  })

  test('keys of a project: create with a value, list, get, update, rotate, delete, none of them unwrapped', async () => {
    const { token } = await directSignIn(gateway)
    const { body: project } = await api(gateway, 'POST', '/api/v1/projects', { token, body: { name: 'Keys' } })
    const wanted = {
      name: 'STRIPE',
      value: 'sk_test_1',
      keyType: 'api_key',
      environment: 'development',
      accessLevel: 'team',
      projectId: project.id,
      tags: ['a'],
      metadata: {},
    }
    const { status, body: key } = await api(gateway, 'POST', '/api/v1/api-keys', { token, body: wanted })
    expect(status).toBe(201)
    expect(key).toMatchObject({
      id: expect.any(String),
      name: 'STRIPE',
      keyType: 'api_key',
      environment: 'development',
      accessLevel: 'team',
      projectId: project.id,
      tags: ['a'],
      createdAt: expect.any(String),
    })
    const list = await api(gateway, 'GET', `/api/v1/api-keys?projectId=${project.id}`, { token })
    expect((Array.isArray(list.body) ? list.body : list.body.data).map(({ id }: { id: string }) => id)).toEqual([
      key.id,
    ])
    expect((await api(gateway, 'GET', `/api/v1/api-keys/${key.id}`, { token })).body.name).toBe('STRIPE')
    expect((await api(gateway, 'PUT', `/api/v1/api-keys/${key.id}`, { token, body: { name: 'PAY' } })).body.name).toBe(
      'PAY',
    )
    expect((await api(gateway, 'DELETE', `/api/v1/api-keys/${key.id}`, { token })).body.success).toBe(true)
  })

  test('rotate of a platform key: POST with a JSON type and no body', async () => {
    const { id, key } = await newKey(gateway, ada)
    const response = await fetch(`${gateway.url}/api/v1/api-keys/${id}/rotate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
    })
    const { data } = await response.json()
    expect([response.status, data.id]).toEqual([200, id])
    expect(data.key).not.toBe(key)
  })

  test('testConnection by token and by key, and the profile', async () => {
    const active = await post(
      gateway,
      '/oauth/introspect',
      { token: ada.token },
      { authorization: `Bearer ${ada.token}` },
    )
    expect(active.body.active).toBe(true)
    const { key } = await newKey(gateway, ada)
    expect((await api(gateway, 'GET', '/health', { key })).status).toBe(200)
    const me = await api(gateway, 'GET', '/api/v1/auth/me', { token: ada.token })
    expect(me.body).toMatchObject({ id: ada.uai, email: ada.email, name: null })
  })
})

describe('Cursor and Windsurf (docs/wire-contract.md 5.3)', () => {
  test('an API key as Bearer, everywhere they go', async () => {
    const { key } = await newKey(gateway, ada, {
      scopes: ['memories:read', 'api-keys:read', 'projects:read', 'profile:read'],
    })
    for (const path of [
      '/api/v1/health',
      '/api/v1/auth/me',
      '/api/v1/auth/api-keys',
      '/api/v1/api-keys',
      '/api/v1/projects',
    ])
      expect((await api(gateway, 'GET', path, { token: key })).status, path).toBe(200)
  })
})
