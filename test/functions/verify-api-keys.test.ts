import { randomBytes } from 'node:crypto'
import { uuidv7 } from 'uuidv7'
import { beforeAll, describe, expect, test } from 'vitest'
import { createCall } from '../../shared/call.ts'
import { apiKey, createKey } from '../../shared/domain/api-key.ts'
import { commit } from '../../shared/events/commit.ts'
import { newApiKey } from '../../shared/tokens/api-key.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { expireKey, setKeyStatus } from '../support/rows.ts'

const KEYS = '/api/v1/api-keys'
const VERIFY_KEY = '/v1/auth/verify-api-key'

const gateway = useGateway({ countStatements: true })
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const verify = (key: string, body?: object, headers?: Record<string, string>) =>
  api(gateway, 'POST', VERIFY_KEY, { key, body, headers })

/** Stores a key that was issued elsewhere, by its hash. */
async function importKey(text: string): Promise<string> {
  const id = uuidv7()
  await commit(createCall(gateway.gateway), async (work) => {
    work.start(apiKey, id, { subject: ada.uai }).decide(() =>
      createKey({
        owner: { type: 'person', id: ada.uai },
        organizationId: uuidv7(),
        createdBy: ada.uai,
        origin: 'import',
        name: `imported ${id}`,
        secretHash: hashToken(text),
        preview: 'imported',
        settings: { scopes: ['memories:read'], accessLevel: 'team', service: 'all', serviceScopes: [] },
      }),
    )
  })
  return id
}

/** The newest transaction that touched a table a verification may write to. */
const writes = async () => {
  const [row] = await gateway.sql`
    select max(xmin::text::bigint) as newest from (
      select xmin from auth_gateway.api_key_activity union all select xmin from auth_gateway.api_key_usage
      union all select xmin from auth_gateway.rate_limits union all select xmin from auth_gateway.api_keys
      union all select xmin from auth_gateway.event_store union all select xmin from auth_gateway.refused_requests) as written`
  return row?.newest
}

describe('where a key may be sent', () => {
  test('200 for every way to present it, with what each consumer reads', async () => {
    const { key, id } = await newKey(gateway, ada, { scopes: ['memories:*'], key_context: 'personal' })
    const ways: Record<string, string>[] = [
      { 'x-api-key': key },
      { authorization: `Bearer ${key}` },
      { authorization: `bearer ${key}` },
      { authorization: `ApiKey ${key}` },
      { authorization: key },
    ]
    for (const headers of ways) {
      const answer = await api(gateway, 'POST', VERIFY_KEY, { headers })
      expect(answer).toMatchObject({
        status: 200,
        body: {
          valid: true,
          userId: ada.uai,
          keyId: id,
          projectScope: 'lanonasis-maas',
          keyContext: 'personal',
          permissions: ['memories:*', 'memories:personal:*'],
          organizationId: expect.any(String),
          binding: { status: 'legacy_unbound' },
        },
      })
      const verified = await api(gateway, 'POST', '/v1/auth/verify', { headers, body: {} })
      expect(verified).toMatchObject({ status: 200, body: { valid: true, sub: ada.uai, payload: { api_key_id: id } } })
    }
  })

  test('200 for the raw vx_ key next to X-API-Key, as the dashboard sends it', async () => {
    const text = `vx_${randomBytes(20).toString('hex')}`
    await importKey(text)
    const headers = { authorization: text, 'x-api-key': text }
    const answer = await api(gateway, 'POST', '/v1/auth/verify', { headers })
    expect(answer).toMatchObject({ status: 200, body: { valid: true, auth_source: 'vendor_key' } })
  })

  test('200 at /auth/validate, /me and resolve with a bearer key, as Cursor and Hermes send it', async () => {
    const { key, id } = await newKey(gateway, ada)
    for (const path of ['/auth/validate', '/v1/auth/verify'])
      expect(await api(gateway, 'GET', path, { token: key })).toMatchObject({ status: 200, body: { valid: true } })
    expect(await api(gateway, 'GET', '/api/v1/auth/me', { token: key })).toMatchObject({
      status: 200,
      body: { user_id: ada.uai, id: ada.uai },
    })
    const resolved = await api(gateway, 'GET', '/v1/auth/resolve', { token: key })
    expect(resolved).toMatchObject({ status: 200, body: { authId: ada.uai, authMethod: 'api_key', apiKeyId: id } })
    expect(resolved.headers.get('x-api-key-id')).toBe(id)
    expect(resolved.headers.get('x-auth-source')).toBe('api_key')
  })

  test('403 for the person’s sessions: a key is no session', async () => {
    const { key } = await newKey(gateway, ada)
    expect((await api(gateway, 'GET', '/v1/auth/sessions', { key })).status).toBe(403)
    expect((await api(gateway, 'GET', '/v1/auth/resolve?client_id=dashboard', { key })).status).toBe(403)
  })
})

describe('refused', () => {
  test('400 without a key', async () => {
    expect(await api(gateway, 'POST', VERIFY_KEY)).toMatchObject({
      status: 400,
      body: { valid: false, code: 'API_KEY_MISSING' },
    })
  })

  test('401 alike for unknown, revoked, expired and quarantined keys, with a code that lets the CLI stop', async () => {
    const revoked = await newKey(gateway, ada)
    await api(gateway, 'POST', `${KEYS}/${revoked.id}/revoke`, { token: ada.token })
    const expired = await newKey(gateway, ada, { expires_in_days: 1 })
    await expireKey(gateway, expired.id)
    const quarantined = await newKey(gateway, ada)
    await setKeyStatus(gateway, quarantined.id, 'quarantined')
    const answers = []
    // A look-up, and the record of the refusal.
    const statements = 2
    for (const { key } of [newApiKey(), revoked, expired, quarantined]) {
      gateway.takeStatements()
      const { status, body } = await verify(key)
      answers.push({ status, body, statements: gateway.takeStatements() })
    }
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(answers[0]).toMatchObject({
      status: 401,
      statements,
      body: { valid: false, code: 'API_KEY_INVALID', error: expect.any(String), message: expect.any(String) },
    })
    const verified = await api(gateway, 'POST', '/v1/auth/verify', { key: revoked.key, body: {} })
    expect(verified).toMatchObject({ status: 401, body: { valid: false, code: 'API_KEY_INVALID' } })
  })

  test('401 for a stored hash presented as a key, without a look-up', async () => {
    const { key } = await newKey(gateway, ada)
    gateway.takeStatements()
    for (const hash of [hashToken(key), hashToken(key).toUpperCase()]) {
      expect((await verify(hash)).status).toBe(401)
      // The record of the refusal.
      expect(gateway.takeStatements()).toBe(1)
    }
  })

  test('401 for nonsense, without a look-up', async () => {
    for (const [text, statements] of [
      ['short', 1],
      ['x'.repeat(501), 1],
      // Might be a key of before: looked up.
      ['lano_ with spaces in between it', 2],
      ['näh'.repeat(10), 2],
    ] as const) {
      gateway.takeStatements()
      const { status } = await api(gateway, 'POST', VERIFY_KEY, { headers: { 'x-api-key': encodeURI(text) } })
      expect([text, status, gateway.takeStatements()]).toEqual([text, 401, statements])
    }
  })

  test('200 for a key of our pattern that was issued elsewhere, 401 for one with a typo', async () => {
    const text = `lano_${'ab'.repeat(32)}`
    await importKey(text)
    expect((await verify(text)).status).toBe(200)
    const { key } = await newKey(gateway, ada)
    expect((await verify(key.replace(/.$/, (last: string) => (last === '0' ? '1' : '0')))).status).toBe(401)
  })
})

describe('what a verification costs', () => {
  const ways: [string, (key: string) => Promise<{ status: number }>][] = [
    ['verify-api-key', (key) => verify(key)],
    ['verify', (key) => api(gateway, 'POST', '/v1/auth/verify', { key })],
    ['resolve', (key) => api(gateway, 'GET', '/v1/auth/resolve', { key })],
    ['introspect', (key) => api(gateway, 'POST', '/v1/auth/introspect', { body: { credential: key } })],
    ['oauth introspect', (key) => api(gateway, 'POST', '/oauth/introspect', { body: { token: key } })],
  ]

  test.each(ways.slice(0, 4))('%s: one statement, no write', async (_name, ask) => {
    const { key } = await newKey(gateway, ada)
    await ask(key)
    const before = await writes()
    gateway.takeStatements()
    expect((await ask(key)).status).toBe(200)
    expect(gateway.takeStatements()).toBe(1)
    expect(await writes()).toBe(before)
  })

  test.each(ways.slice(0, 4))('%s: one statement also for a key with limits, which counts', async (_name, ask) => {
    const { key, id } = await newKey(gateway, ada, { max_uses: 5, rate_limits: { max_calls_per_minute: 100 } })
    await ask(key)
    gateway.takeStatements()
    expect((await ask(key)).status).toBe(200)
    expect(gateway.takeStatements()).toBe(1)
    const { body } = await api(gateway, 'GET', `${KEYS}/${id}`, { token: ada.token })
    expect(body.data).toMatchObject({ remaining_uses: 3, uses_today: 2 })
  })

  test('last used and the uses of the day are noted, a while later', async () => {
    const { key, id } = await newKey(gateway, ada)
    for (let n = 0; n < 3; n++) await verify(key)
    await gateway.gateway.keyUse.flush()
    const { body } = await api(gateway, 'GET', `${KEYS}/${id}`, { token: ada.token })
    expect(body.data.uses_today).toBe(3)
    expect(Date.now() - Date.parse(body.data.last_used_at)).toBeLessThan(60_000)
    const usage = await api(gateway, 'GET', `${KEYS}/${id}/usage`, { token: ada.token })
    expect(usage.body.data).toEqual([{ day: new Date().toISOString().slice(0, 10), uses: 3 }])
  })
})

describe('limits', () => {
  const atOnce = (count: number, ask: () => Promise<{ status: number }>) =>
    Promise.all(Array.from({ length: count }, ask)).then((answers) => answers.map(({ status }) => status))
  const count = (statuses: number[], wanted: number) => statuses.filter((status) => status === wanted).length

  test('200 as often as there are uses, of fifty at once; then 403', async () => {
    const { key, id } = await newKey(gateway, ada, { max_uses: 7 })
    const statuses = await atOnce(50, () => verify(key))
    expect([count(statuses, 200), count(statuses, 403)]).toEqual([7, 43])
    expect((await verify(key)).body).toMatchObject({ valid: false, code: 'API_KEY_EXHAUSTED' })
    expect((await api(gateway, 'GET', `${KEYS}/${id}`, { token: ada.token })).body.data.remaining_uses).toBe(0)
  })

  test('429 past the limit of a minute, of fifty at once, with the time to wait; no use is counted', async () => {
    const { key, id } = await newKey(gateway, ada, { max_uses: 30, rate_limits: { max_calls_per_minute: 11 } })
    const statuses = await atOnce(50, () => verify(key))
    expect([count(statuses, 200), count(statuses, 429)]).toEqual([11, 39])
    const refused = await verify(key)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await api(gateway, 'GET', `${KEYS}/${id}`, { token: ada.token })).body.data.remaining_uses).toBe(19)
  })

  test('429 for all keys of an owner that count together', async () => {
    const bob = await directSignIn(gateway)
    const shared = { limits_counted_by: 'owner', rate_limits: { max_calls_per_minute: 10 } }
    const keys = await Promise.all([1, 2, 3].map(() => newKey(gateway, bob, shared)))
    const alone = await newKey(gateway, bob, { rate_limits: { max_calls_per_minute: 10 } })
    const statuses = (await Promise.all(keys.map(({ key }) => atOnce(8, () => verify(key))))).flat()
    expect([count(statuses, 200), count(statuses, 429)]).toEqual([10, 14])
    expect((await verify(alone.key)).status).toBe(200)
  })

  test('services: 200 within, 403 for another service or action, 429 past its calls', async () => {
    const { key, id } = await newKey(gateway, ada)
    await api(gateway, 'PUT', `${KEYS}/${id}/service-scopes`, {
      token: ada.token,
      body: { service_keys: ['memories'], allowed_actions: ['read'], rate_limits: { max_calls_per_minute: 2 } },
    })
    expect((await verify(key, { service: 'memories', action: 'read' })).status).toBe(200)
    expect(await verify(key, { service: 'ai-chat' })).toMatchObject({
      status: 403,
      body: { code: 'SERVICE_NOT_ALLOWED' },
    })
    expect((await verify(key, { service: 'memories', action: 'write' })).status).toBe(403)
    expect((await verify(key, { service: 'memories', action: 'read' })).status).toBe(429)
    expect((await verify(key)).status).toBe(200)
  })

  test('scopes that are asked for: 200 when all are held, 403 otherwise', async () => {
    const { key } = await newKey(gateway, ada, { scopes: ['memories:read'] })
    expect((await verify(key, { scope: 'memories:read' })).status).toBe(200)
    for (const [scope, missing] of [
      ['memories:*', 'memories:*'],
      ['memories:read memories:write', 'memories:write'],
    ])
      expect(await verify(key, { scope })).toMatchObject({
        status: 403,
        body: { code: 'SCOPE_INSUFFICIENT', message: `The API key lacks the scope ${missing}.` },
      })
  })
})

describe('introspect, of any credential', () => {
  const introspect = (body: object, options: object = {}) =>
    api(gateway, 'POST', '/v1/auth/introspect', { body, ...options })

  test('200 with the identity, from the body or the request', async () => {
    const { key, id } = await newKey(gateway, ada)
    const identity = {
      actor_id: ada.uai,
      actor_type: 'user',
      user_id: ada.uai,
      organization_id: expect.any(String),
      project_scope: 'lanonasis-maas',
      api_key_id: id,
      auth_source: 'api_key',
      request_id: expect.any(String),
      credential_id: id,
      email: ada.email,
      scopes: ['memories:read'],
      issued_at: expect.any(String),
    }
    const answers = [
      await introspect({ credential: key }),
      await introspect({ token: key, type: 'api_key' }),
      await introspect({}, { key }),
      await introspect({}, { token: key }),
    ]
    for (const { status, body } of answers) {
      expect(status).toBe(200)
      expect(body).toMatchObject({ valid: true, active: true, sub: ada.uai, error: null })
      expect(body.identity).toMatchObject(identity)
    }
    const token = await introspect({ token: ada.token })
    expect(token.body).toMatchObject({
      valid: true,
      active: true,
      identity: { auth_source: 'oauth_token', api_key_id: null },
    })
  })

  test.each([
    [400, 'invalid_request', {}],
    [401, 'invalid_credential', { credential: newApiKey().key }],
    [401, 'invalid_credential', { credential: 'a.b.c' }],
    [401, 'invalid_credential', { credential: 'junk', type: 'session' }],
    [401, 'unsupported_auth_method', { credential: 'x', type: 'carrier_pigeon' }],
  ])('%i %s for %j', async (status, code, body) => {
    expect(await introspect(body)).toMatchObject({
      status,
      body: {
        valid: false,
        active: false,
        identity: null,
        error: { code, retryable: false, message: expect.any(String) },
      },
    })
  })

  test('403 for an invalid project scope, 401 for another audience or client', async () => {
    const body = { token: ada.token }
    expect(await introspect({ ...body, project_scope: 'maas' })).toMatchObject({
      status: 200,
      body: { identity: { project_scope: 'maas' } },
    })
    expect((await introspect({ ...body, project_scope: 'no such' })).status).toBe(403)
    expect((await introspect({ ...body, audience: 'https://elsewhere.example' })).status).toBe(401)
    expect((await introspect({ ...body, client_id: 'elsewhere' })).status).toBe(401)
  })
})

describe('verify-token', () => {
  test('200 for both verdicts about a key', async () => {
    const { key } = await newKey(gateway, ada)
    const ask = (token: string) => api(gateway, 'POST', '/v1/auth/verify-token', { body: { token } })
    expect(await ask(key)).toMatchObject({ status: 200, body: { valid: true, type: 'api_key', user: { id: ada.uai } } })
    expect(await ask(newApiKey().key)).toMatchObject({ status: 200, body: { valid: false, code: 'API_KEY_INVALID' } })
    expect(await ask('cli_1790000000000_abcdef')).toMatchObject({ status: 200, body: { valid: false } })
  })
})
