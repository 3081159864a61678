import { beforeAll, describe, expect, test } from 'vitest'
import { hasChecksum } from '../../shared/tokens/api-key.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { api, atBrowser, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { addClient, eventsOf, useGateway } from '../support/gateway.ts'
import { expireKey, setRole, setStatus } from '../support/rows.ts'
import { getTokens, signIn } from '../support/sign-in.ts'

const KEYS = '/api/v1/api-keys'
const NOBODY = '0195d000-0000-7000-8000-0000000000ff'

const gateway = useGateway()
let ada: DirectSignIn
let eve: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
  eve = await directSignIn(gateway)
})

const verify = (key: string) => api(gateway, 'POST', '/v1/auth/verify-api-key', { key })
const create = (body: object, token = ada.token) => api(gateway, 'POST', KEYS, { token, body })

describe('a new key', () => {
  test('201 with the key once, in the form clients know, and the record without it from then on', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const { status, body, headers } = await create({
      name: 'Laptop',
      description: 'at home',
      scopes: ['memories.read'],
      expires_at,
    })
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(body).toMatchObject({ success: true, message: expect.any(String) })
    expect(body.data.key).toMatch(/^lano_[0-9a-f]{64}$/)
    expect(hasChecksum(body.data.key)).toBe(true)
    expect(body.data).toMatchObject({
      name: 'Laptop',
      description: 'at home',
      user_id: ada.uai,
      access_level: 'authenticated',
      key_context: null,
      permissions: ['memories:read'],
      service: 'all',
      service_scopes: [],
      binding: null,
      expires_at,
      last_used_at: null,
      is_active: true,
    })
    const { key, ...record } = body.data
    const found = await api(gateway, 'GET', `${KEYS}/${record.id}`, { token: ada.token })
    expect(found.body).toEqual({ success: true, data: record })
    const stored = await gateway.sql`select * from auth_gateway.event_store where stream_id = ${record.id}`
    expect(JSON.stringify(stored)).not.toContain(key.slice(5, 50))
    expect(JSON.stringify(stored)).not.toContain('Laptop')
  })

  test('201 with the minimal scopes, never with full access, when none are asked for', async () => {
    expect((await newKey(gateway, ada)).permissions).toEqual(['memories:read'])
    expect((await newKey(gateway, ada, { key_context: 'personal' })).permissions).toEqual([
      'memories:personal:*',
      'memories:read',
    ])
  })

  test('201 with what the documentation calls it: permissions, expires_at', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    expect(await newKey(gateway, ada, { permissions: 'memory:write,profile:read', expires_at })).toMatchObject({
      permissions: ['memories:write', 'profile:read'],
      expires_at,
    })
  })

  test.each([
    ['INVALID_REQUEST', {}],
    ['INVALID_REQUEST', { name: '   ' }],
    ['INVALID_REQUEST', { name: 'x'.repeat(101) }],
    ['INVALID_REQUEST', { name: 'a', expires_in_days: 0 }],
    ['INVALID_REQUEST', { name: 'a', expires_in_days: 3651 }],
    ['INVALID_REQUEST', { name: 'a', expires_at: '2020-01-01T00:00:00Z' }],
    ['INVALID_REQUEST', { name: 'a', access_level: 'god' }],
    ['INVALID_REQUEST', { name: 'a', allowed_networks: ['10.0.0.0/33'] }],
    ['INVALID_REQUEST', { name: 'a', binding: { public_key_pem: 'nonsense' } }],
    ['INVALID_REQUEST', { name: 'a', binding: { require_request_signature: true } }],
    ['INVALID_REQUEST', { name: 'a', service_type: 'specific' }],
    ['INVALID_SERVICE', { name: 'a', service_type: 'specific', service_keys: ['nuclear-launch'] }],
    ['INVALID_SCOPE', { name: 'a', scopes: ['foo'] }],
    ['INVALID_SCOPE', { name: 'a', scopes: ['identities:merge', 'mem*:read'] }],
  ])('400 %s for %j, and nothing is stored', async (code, body) => {
    const before = await eventsOf(gateway, 'api_key')
    const refused = await create(body)
    expect(refused).toMatchObject({ status: 400, body: { code } })
    expect(await eventsOf(gateway, 'api_key')).toHaveLength(before.length)
  })

  test.each([['*'], ['admin:*'], ['legacy:full_access'], ['projects:admin']])(
    '403 for the scope %s, which its owner does not have',
    async (scope) => {
      expect(await create({ name: scope, scopes: [scope] })).toMatchObject({
        status: 403,
        body: { code: 'SCOPE_NOT_ALLOWED' },
      })
    },
  )

  test('409 for a name an active key has; the name is free again when that one is gone', async () => {
    const { id } = await newKey(gateway, ada, { name: 'Twice' })
    expect(await create({ name: ' twice ' })).toMatchObject({ status: 409, body: { code: 'KEY_EXISTS' } })
    expect((await newKey(gateway, eve, { name: 'Twice' })).name).toBe('Twice')
    await api(gateway, 'POST', `${KEYS}/${id}/revoke`, { token: ada.token })
    expect((await create({ name: 'Twice' })).status).toBe(201)
  })

  test('201 for one of twenty at once with one name', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ name: 'Race' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  test('401 without a person, 413 for a huge body', async () => {
    expect(await api(gateway, 'POST', KEYS, { body: { name: 'x' } })).toMatchObject({ status: 401 })
    expect(await create({ name: 'x', description: 'y'.repeat(70_000) })).toMatchObject({ status: 413 })
  })
})

describe('the mirrors', () => {
  test.each(['/api/v1/api-keys', '/api/v1/auth/api-keys', '/v1/auth/api-keys'])('200 at %s', async (path) => {
    const listed = await api(gateway, 'GET', `${path}?active_only=false`, { token: ada.token })
    expect(listed).toMatchObject({ status: 200, body: { success: true, data: expect.any(Array) } })
  })
})

describe('list', () => {
  test('200 with the live ones; all of them only for the literal false', async () => {
    const bob = await directSignIn(gateway)
    const kept = await newKey(gateway, bob)
    const ended = await newKey(gateway, bob)
    const deleted = await newKey(gateway, bob)
    await api(gateway, 'POST', `${KEYS}/${ended.id}/revoke`, { token: bob.token })
    await api(gateway, 'DELETE', `${KEYS}/${deleted.id}`, { token: bob.token })
    const ids = async (query: string) =>
      (await api(gateway, 'GET', `${KEYS}${query}`, { token: bob.token })).body.data.map(
        (one: { id: string }) => one.id,
      )
    expect(await ids('')).toEqual([kept.id])
    expect(await ids('?active_only=no')).toEqual([kept.id])
    expect(await ids('?active_only=false')).toEqual([kept.id, ended.id])
  })
})

describe('change', () => {
  test.each(['PUT', 'PATCH'])('200 for %s: what is named changes, the rest stays', async (method) => {
    const key = await newKey(gateway, ada, { scopes: ['memories:*'], expires_in_days: 10, description: 'old' })
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const changed = await api(gateway, method, `${KEYS}/${key.id}`, {
      token: ada.token,
      body: { name: `${method} renamed`, scopes: ['memories:read'], expires_at },
    })
    expect(changed).toMatchObject({
      status: 200,
      body: {
        data: { name: `${method} renamed`, permissions: ['memories:read'], expires_at, description: 'old' },
      },
    })
    expect((await verify(key.key)).body.permissions).toEqual(['memories:read'])
  })

  test('200 for the services of a key, 400 for an unknown one', async () => {
    const key = await newKey(gateway, ada)
    const path = `${KEYS}/${key.id}/service-scopes`
    const body = { service_keys: ['memories', 'ai-chat'], rate_limits: { max_calls_per_minute: 5 } }
    expect(await api(gateway, 'PUT', path, { token: ada.token, body })).toMatchObject({
      status: 200,
      body: {
        data: {
          service: 'specific',
          service_scopes: [
            { service_key: 'memories', max_calls_per_minute: 5 },
            { service_key: 'ai-chat', max_calls_per_minute: 5 },
          ],
        },
      },
    })
    expect(await api(gateway, 'PUT', path, { token: ada.token, body: { service_keys: ['x'] } })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_SERVICE' },
    })
  })
})

describe('rotate', () => {
  test('200 with no body: same id, new secret; the old one stops working immediately', async () => {
    const key = await newKey(gateway, ada)
    const rotated = await api(gateway, 'POST', `${KEYS}/${key.id}/rotate`, { token: ada.token })
    expect(rotated).toMatchObject({ status: 200, body: { success: true, data: { id: key.id } } })
    expect(rotated.body.data.key).not.toBe(key.key)
    expect((await verify(key.key)).status).toBe(401)
    expect((await verify(rotated.body.data.key)).status).toBe(200)
  })

  test('200 with grace: both work, and after the next rotation only the two newest at most', async () => {
    const key = await newKey(gateway, ada)
    const rotate = async (grace_seconds: number) =>
      (await api(gateway, 'POST', `${KEYS}/${key.id}/rotate`, { token: ada.token, body: { grace_seconds } })).body.data
        .key
    const second = await rotate(3600)
    expect([await verify(key.key), await verify(second)].map(({ status }) => status)).toEqual([200, 200])
    const third = await rotate(3600)
    expect((await Promise.all([key.key, second, third].map(verify))).map(({ status }) => status)).toEqual([
      401, 200, 200,
    ])
    await gateway.sql`update auth_gateway.api_key_secrets set expires_at = now() where hash = ${hashToken(second)}`
    expect((await verify(second)).status).toBe(401)
  })

  test('400 for a grace beyond seven days', async () => {
    const { id } = await newKey(gateway, ada)
    const body = { grace_seconds: 7 * 86_400 + 1 }
    expect((await api(gateway, 'POST', `${KEYS}/${id}/rotate`, { token: ada.token, body })).status).toBe(400)
  })

  test('200 for exactly one of twenty at once, and one new secret', async () => {
    const { id } = await newKey(gateway, ada)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api(gateway, 'POST', `${KEYS}/${id}/rotate`, { token: ada.token })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(409)])
    const types = (await eventsOf(gateway, 'api_key', id)).map(({ event_type }) => event_type)
    expect(types).toEqual(['ApiKeyCreated', 'ApiKeyRotated'])
    const secret = answers.find(({ status }) => status === 200)?.body.data.key
    expect((await verify(secret)).status).toBe(200)
  })
})

describe('the end of a key', () => {
  test('200 for revoke with a reason: refused by the next request, still in the list of all', async () => {
    const key = await newKey(gateway, ada)
    const revoked = await api(gateway, 'POST', `${KEYS}/${key.id}/revoke`, {
      token: ada.token,
      body: { reason: 'lost' },
    })
    expect(revoked).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } })
    expect((await verify(key.key)).status).toBe(401)
    const found = await api(gateway, 'GET', `${KEYS}/${key.id}`, { token: ada.token })
    expect(found.body.data).toMatchObject({ is_active: false, status: 'revoked' })
  })

  test('200 with a JSON body for DELETE, then 404', async () => {
    const key = await newKey(gateway, ada)
    const deleted = await api(gateway, 'DELETE', `${KEYS}/${key.id}`, { token: ada.token })
    expect(deleted).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } })
    expect((await verify(key.key)).status).toBe(401)
    expect((await api(gateway, 'GET', `${KEYS}/${key.id}`, { token: ada.token })).status).toBe(404)
  })

  test('401 once it has expired', async () => {
    const key = await newKey(gateway, ada, { expires_in_days: 1 })
    await expireKey(gateway, key.id)
    expect((await verify(key.key)).status).toBe(401)
    const { body } = await api(gateway, 'GET', `${KEYS}/${key.id}`, { token: ada.token })
    expect(body.data).toMatchObject({ status: 'expired', is_active: false })
  })
})

describe('someone else’s key', () => {
  test('404 for every way to touch it, as for one that does not exist; nothing changes', async () => {
    const key = await newKey(gateway, ada)
    const before = await eventsOf(gateway, 'api_key', key.id)
    const ways: [string, string, object?][] = [
      ['GET', ''],
      ['PUT', '', { name: 'mine' }],
      ['PATCH', '', { name: 'mine' }],
      ['DELETE', ''],
      ['POST', '/rotate'],
      ['POST', '/revoke'],
      ['PUT', '/service-scopes', { service_keys: ['memories'] }],
      ['GET', '/history'],
      ['GET', '/usage'],
    ]
    for (const [method, suffix, body] of ways) {
      const options = { token: eve.token, body }
      const theirs = await api(gateway, method, `${KEYS}/${key.id}${suffix}`, options)
      const none = await api(gateway, method, `${KEYS}/${NOBODY}${suffix}`, options)
      expect([method, suffix, theirs.status, theirs.body]).toEqual([method, suffix, 404, none.body])
    }
    expect(await eventsOf(gateway, 'api_key', key.id)).toEqual(before)
    expect((await verify(key.key)).status).toBe(200)
  })

  test('the attempt is recorded', async () => {
    const key = await newKey(gateway, ada)
    await api(gateway, 'POST', `${KEYS}/${key.id}/rotate`, { token: eve.token })
    const recorded = (await eventsOf(gateway, 'refused_request')).map(({ data }) => data)
    expect(recorded).toContainEqual(expect.objectContaining({ target: key.id, refusal: 'KEY_NOT_FOUND' }))
  })
})

describe('never wider than what made it', () => {
  test('403 for a key that makes a wider key, changes or rotates a wider one', async () => {
    const manager = await newKey(gateway, ada, { scopes: ['api-keys:*', 'memories:read'] })
    const wide = await newKey(gateway, ada, { scopes: ['memories:*'] })
    const by = (method: string, path: string, body?: object) => api(gateway, method, path, { key: manager.key, body })
    const answers = [
      await by('POST', KEYS, { name: 'wider', scopes: ['memories:*'] }),
      await by('POST', KEYS, { name: 'wider', key_context: 'personal' }),
      await by('PUT', `${KEYS}/${wide.id}`, { name: 'other' }),
      await by('POST', `${KEYS}/${wide.id}/rotate`),
    ]
    for (const { status, body } of answers) expect([status, body.code]).toEqual([403, 'SCOPE_NOT_ALLOWED'])
    expect((await by('POST', KEYS, { name: 'narrower', scopes: ['memories:read'] })).status).toBe(201)
    const [last] = (await eventsOf(gateway, 'api_key')).slice(-1)
    expect(last?.metadata).toMatchObject({ credentialId: manager.id })
  })

  test('403 for a key without the scope to manage keys', async () => {
    const plain = await newKey(gateway, ada)
    for (const method of ['GET', 'POST'])
      expect(
        await api(gateway, method, KEYS, { key: plain.key, ...(method === 'POST' && { body: { name: 'x' } }) }),
      ).toMatchObject({ status: 403, body: { code: 'SCOPE_INSUFFICIENT' } })
  })

  test('403 for another company’s application without the scope; with it, no wider than it may', async () => {
    const person = await signIn(gateway)
    const { redirect_uri } = await addClient(gateway, 'partner-keys', {
      token_endpoint_auth_method: 'none',
      scope: 'openid memories:read api-keys:write',
      default_scope: 'memories:read',
    })
    const grant = (scope: string) =>
      getTokens(gateway, person, { client_id: 'partner-keys', redirect_uri, scope, resource: gateway.url })
    const without = await grant('openid memories:read')
    expect((await create({ name: 'p' }, without.access_token)).status).toBe(403)
    const within = await grant('openid memories:read api-keys:write')
    expect((await create({ name: 'p', scopes: ['memories:write'] }, within.access_token)).status).toBe(403)
    expect((await create({ name: 'p', scopes: ['memories:read'] }, within.access_token)).status).toBe(201)
  })

  test('a scope that the owner loses, its keys lose', async () => {
    const root = await signIn(gateway)
    await setRole(gateway, root.uai, 'platform_admin')
    const asked = { name: 'admin', scopes: ['admin:*', 'memories:read'] }
    const { data: key } = (await atBrowser(gateway, root, 'POST', KEYS, asked)).body
    expect((await verify(key.key)).body.permissions).toEqual(['admin:*', 'memories:read'])
    await setRole(gateway, root.uai, 'user')
    expect((await verify(key.key)).body.permissions).toEqual(['memories:read'])
  })

  test('401 when the owner is suspended', async () => {
    const mallory = await directSignIn(gateway)
    const key = await newKey(gateway, mallory)
    await setStatus(gateway, mallory.uai, 'suspended')
    expect((await verify(key.key)).status).toBe(401)
  })
})

describe('a browser', () => {
  test('200 with its session for our own pages, 403 for a page of another site', async () => {
    const { browser } = await signIn(gateway)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const ask = (headers: Record<string, string>) =>
      api(gateway, 'POST', KEYS, { body: { name: 'from a page' }, headers: { cookie, ...headers } })
    expect((await ask({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await ask({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await ask({ origin: gateway.url })).status).toBe(201)
  })
})

describe('history', () => {
  test('200 with everything that happened, by whom and why, and no secret', async () => {
    const key = await newKey(gateway, ada)
    const id = key.id
    await api(gateway, 'PUT', `${KEYS}/${id}`, { token: ada.token, body: { scopes: ['memories:*'] } })
    await api(gateway, 'POST', `${KEYS}/${id}/rotate`, { token: ada.token, body: { reason: 'yearly' } })
    await api(gateway, 'POST', `${KEYS}/${id}/revoke`, { token: ada.token, body: { reason: 'old laptop' } })
    const { status, body } = await api(gateway, 'GET', `${KEYS}/${id}/history`, { token: ada.token })
    expect(status).toBe(200)
    const seen = body.data.map(({ type, actor_id, reason }: Record<string, string>) => [type, actor_id, reason])
    expect(seen).toEqual([
      ['ApiKeyCreated', ada.uai, null],
      ['ApiKeyUpdated', ada.uai, null],
      ['ApiKeyRotated', ada.uai, 'yearly'],
      ['ApiKeyRevoked', ada.uai, 'old laptop'],
    ])
    expect(JSON.stringify(body)).not.toContain(hashToken(key.key))
  })
})
