import { beforeAll, describe, expect, test } from 'vitest'
import { api, type Body, directSignIn, newKey } from '../support/api-keys.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { getTokens, post, signIn } from '../support/sign-in.ts'

const API = 'https://api.lanonasis.com'
const ELSEWHERE = 'https://elsewhere.example'

type Kind = 'token' | 'service token' | 'key' | 'bound key' | 'session'
const credentials = {} as Record<Kind, string>
const gateway = useGateway()
beforeAll(async () => {
  const person = await signIn(gateway)
  const asked = { client_id: 'partner-sandbox', redirect_uri: 'http://127.0.0.1:3000/callback', scope: 'memories:read' }
  const service = { token_endpoint_auth_method: 'client_secret_post' as const, grant_types: ['client_credentials'] }
  await addClient(gateway, 'worker', { ...service, redirect_uris: [], response_types: [], scope: 'memories:read' })
  const form = { grant_type: 'client_credentials', client_id: 'worker', client_secret: 'a secret: +%' }
  const ada = await directSignIn(gateway)
  const binding = { audiences: [API], client_id: 'hermes', installation_id: 'i-1' }
  credentials.token = (await getTokens(gateway, person, asked)).access_token
  credentials['service token'] = (await post(gateway, '/oauth/token', form)).body.access_token
  credentials.key = (await newKey(gateway, ada, { scopes: ['memories:read'] })).key
  credentials['bound key'] = (await newKey(gateway, ada, { scopes: ['memories:read'], binding })).key
  credentials.session = person.browser.cookies.get('lanonasis_session') ?? ''
})

/** What a key that is bound to a caller also needs. */
const CALLER = { 'x-lanonasis-audience': API, 'x-client-id': 'hermes', 'x-installation-id': 'i-1' }
const presented = (kind: Kind): { token?: string; key?: string; headers?: Record<string, string> } => {
  const value = credentials[kind]
  if (kind === 'session') return { headers: { cookie: `lanonasis_session=${value}` } }
  if (kind.endsWith('token')) return { token: value }
  return { key: value, headers: kind === 'bound key' ? CALLER : undefined }
}
const byValue = (kind: Kind) => ({ headers: kind === 'bound key' ? CALLER : undefined })

type Asked = Record<string, string>
type Door = (kind: Kind, asked: Asked, query?: string) => Promise<{ status: number; body: Body }>
const doors: Record<string, Door> = {
  verify: (kind, asked, query = '') =>
    api(gateway, 'POST', `/v1/auth/verify${query}`, { ...presented(kind), body: asked }),
  'verify (GET)': (kind, asked, query = '') => {
    const params = new URLSearchParams(query)
    for (const [name, value] of Object.entries(asked)) params.set(name, value)
    return api(gateway, 'GET', `/v1/auth/verify?${params}`, presented(kind))
  },
  validate: (kind, asked, query = '') =>
    api(gateway, 'POST', `/auth/validate${query}`, { ...presented(kind), body: asked }),
  'verify-token': (kind, asked, query = '') =>
    api(gateway, 'POST', `/v1/auth/verify-token${query}`, {
      ...byValue(kind),
      body: { ...asked, token: credentials[kind] },
    }),
  introspect: (kind, asked, query = '') =>
    api(gateway, 'POST', `/v1/auth/introspect${query}`, { ...presented(kind), body: asked }),
  'introspect (by value)': (kind, asked, query = '') =>
    api(gateway, 'POST', `/v1/auth/introspect${query}`, {
      ...byValue(kind),
      body: { ...asked, credential: credentials[kind] },
    }),
  'verify-api-key': (kind, asked, query = '') =>
    api(gateway, 'POST', `/v1/auth/verify-api-key${query}`, { ...presented(kind), body: asked }),
}
const isKey = (kind: Kind) => kind.endsWith('key')
const doorsFor = (kind: Kind) => Object.entries(doors).filter(([name]) => isKey(kind) || name !== 'verify-api-key')

/** What each kind of credential says to a restriction. */
const rows: [restriction: Asked, Record<Kind, boolean>][] = [
  [{ scope: 'memories:read' }, { token: true, 'service token': true, key: true, 'bound key': true, session: true }],
  [{ scope: 'secrets:write' }, { token: false, 'service token': false, key: false, 'bound key': false, session: true }],
  [{ scope: 'admin:*' }, { token: false, 'service token': false, key: false, 'bound key': false, session: false }],
  [{ audience: API }, { token: true, 'service token': true, key: true, 'bound key': true, session: true }],
  [{ audience: `${API}/` }, { token: true, 'service token': true, key: true, 'bound key': false, session: true }],
  [{ audience: ELSEWHERE }, { token: false, 'service token': false, key: true, 'bound key': false, session: true }],
  [{ resource: API }, { token: true, 'service token': true, key: true, 'bound key': true, session: true }],
  [{ resource: ELSEWHERE }, { token: false, 'service token': false, key: true, 'bound key': false, session: true }],
  [
    { client_id: 'partner-sandbox' },
    { token: true, 'service token': false, key: true, 'bound key': false, session: false },
  ],
  [
    { client_id: 'Partner-Sandbox' },
    { token: true, 'service token': false, key: true, 'bound key': false, session: false },
  ],
  [{ client_id: 'worker' }, { token: false, 'service token': true, key: true, 'bound key': false, session: false }],
  [{ client_id: 'hermes' }, { token: false, 'service token': false, key: true, 'bound key': true, session: false }],
  [{ installation_id: 'i-1' }, { token: false, 'service token': false, key: true, 'bound key': true, session: false }],
  [{ installation_id: 'i-2' }, { token: false, 'service token': false, key: true, 'bound key': false, session: false }],
  [{ service: 'memories' }, { token: true, 'service token': true, key: true, 'bound key': true, session: true }],
  [
    { service: 'memories', action: 'write' },
    { token: false, 'service token': false, key: true, 'bound key': true, session: true },
  ],
  [{ service: 'ai-chat' }, { token: false, 'service token': false, key: true, 'bound key': true, session: true }],
]

describe('every restriction that is named is checked for every credential, at every door', () => {
  test.each(rows)('%j: %j', async (restriction, expected) => {
    for (const kind of Object.keys(expected) as Kind[]) {
      for (const [name, ask] of doorsFor(kind)) {
        const { body } = await ask(kind, restriction)
        expect([name, kind, body.valid]).toEqual([name, kind, expected[kind]])
      }
    }
  })

  test('a key that is for one service says no to another', async () => {
    const ada = await directSignIn(gateway)
    const service = { service_type: 'specific', service_keys: ['memories'], allowed_actions: ['read'] }
    const { key } = await newKey(gateway, ada, service)
    const ask = async (body: Asked) => (await api(gateway, 'POST', '/v1/auth/verify', { key, body })).status
    expect(await ask({ service: 'memories' })).toBe(200)
    expect(await ask({ service: 'ai-chat' })).toBe(403)
  })

  test('400 for an action without its service', async () => {
    for (const [name, ask] of doorsFor('key')) {
      const { status, body } = await ask('key', { action: 'read' })
      if (name === 'verify-token') expect(body).toMatchObject({ valid: false, code: 'INVALID_REQUEST' })
      else expect([name, status]).toEqual([name, 400])
    }
  })

  test('of a caller that says of itself what the resource server does not', async () => {
    const headers = { ...CALLER, 'x-lanonasis-audience': API }
    const ask = async (audience: string) =>
      (await api(gateway, 'POST', '/v1/auth/verify', { key: credentials['bound key'], headers, body: { audience } }))
        .body
    expect((await ask(API)).valid).toBe(true)
    expect(await ask(ELSEWHERE)).toMatchObject({ valid: false, code: 'BINDING_MISMATCH' })
  })
})

describe('a proxy names the audience that it asks for (GET /v1/auth/resolve)', () => {
  const resolve = (kind: Kind, audience: string) =>
    api(gateway, 'GET', `/v1/auth/resolve?audience=${audience}`, presented(kind))

  test.each([
    ['token', 401],
    ['service token', 401],
    ['bound key', 403],
    ['key', 200],
    ['session', 200],
  ] as const)('a %s that is for another: %i; for this one: 200', async (kind, status) => {
    expect((await resolve(kind, ELSEWHERE)).status).toBe(status)
    expect((await resolve(kind, API)).status).toBe(200)
  })

  test('one that names none takes tokens for the default resource or the account alone', async () => {
    const person = await signIn(gateway)
    for (const [resource, status] of [
      [undefined, 200],
      [API, 200],
      [gateway.url, 200],
      ['https://mcp.lanonasis.com/mcp', 401],
    ] as const) {
      const { access_token: token } = await getTokens(gateway, person, { resource })
      expect([resource, (await api(gateway, 'GET', '/v1/auth/resolve', { token })).status]).toEqual([resource, status])
    }
  })

  test('and gets scope, client and audience', async () => {
    const { headers } = await resolve('token', API)
    const names = ['x-uai-scope', 'x-uai-client-id', 'x-uai-audience']
    expect(names.map((name) => headers.get(name))).toEqual(['memories:read', 'partner-sandbox', API])
    const session = (await resolve('session', API)).headers
    expect(names.map((name) => session.get(name))).toEqual(['', '', ''])
  })
})

describe('at introspection also its kind and platform', () => {
  const ask = async (kind: Kind, asked: Asked) => (await doors.introspect?.(kind, asked))?.status

  test('type', async () => {
    for (const type of ['jwt', 'bearer', 'oauth_token']) expect(await ask('token', { type })).toBe(200)
    for (const type of ['api_key', 'vendor_key']) expect(await ask('key', { type })).toBe(200)
    expect(await ask('session', { type: 'session' })).toBe(200)
    expect(await ask('token', { type: 'session' })).toBe(400)
    expect(await ask('key', { type: 'jwt' })).toBe(400)
    expect(await ask('session', { type: 'api_key' })).toBe(400)
  })

  test('platform', async () => {
    expect(await ask('session', { platform: 'web' })).toBe(200)
    expect(await ask('session', { platform: 'cli' })).toBe(401)
    expect(await ask('key', { platform: 'api' })).toBe(200)
    expect(await ask('key', { platform: 'web' })).toBe(401)
  })
})

describe('what is not known here', () => {
  test('is ignored and listed, or refused with ?strict=true, at every door', async () => {
    for (const [name, ask] of doorsFor('key')) {
      const { status, body } = await ask('key', { scope: 'memories:read', made_up: 'x' })
      expect([name, status, body.ignored]).toEqual([name, 200, ['made_up']])
      const strict = await ask('key', { scope: 'memories:read', made_up: 'x' }, '?strict=true')
      expect([name, strict.status, strict.body.details]).toEqual([name, 400, { made_up: ['is not known here'] }])
      const known = await ask('key', { scope: 'memories:read' }, '?strict=true')
      expect([name, known.status, known.body]).toEqual([name, 200, expect.not.objectContaining({ ignored: [] })])
    }
  })

  test('also in the query of a POST', async () => {
    const { body } = await api(gateway, 'POST', '/v1/auth/verify?scope=admin:*', { ...presented('key'), body: {} })
    expect(body).toMatchObject({ valid: true, ignored: ['scope'] })
  })
})

describe('the answer says what the credential is for', () => {
  test.each([
    ['token', { aud: API, scope: 'memories:read', client_id: 'partner-sandbox' }],
    ['service token', { aud: API, scope: 'memories:read', client_id: 'worker' }],
    ['bound key', { aud: API, scope: 'memories:read', client_id: 'hermes' }],
  ] as const)('of a %s', async (kind, expected) => {
    for (const [name, ask] of doorsFor(kind)) {
      const { aud, scope, client_id } = (await ask(kind, {})).body
      expect([name, { aud, scope, client_id }]).toEqual([name, expected])
    }
  })

  test('a key that is bound to nothing names no audience and no client', async () => {
    for (const [name, ask] of doorsFor('key')) {
      const { aud, scope, client_id } = (await ask('key', {})).body
      expect([name, { aud, scope, client_id }]).toEqual([name, { scope: 'memories:read' }])
    }
  })
})
