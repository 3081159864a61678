import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FunctionHandler } from '../../shared/http/serve.ts'
import { call, startGateway, type TestGateway } from '../support/gateway.ts'
import { getTokens, signIn } from '../support/sign-in.ts'

const RUNS = 500
let gateway: TestGateway
let credentials: string[] = []
let cookies: string[] = []
const functions = new Map<string, FunctionHandler>()

beforeAll(async () => {
  gateway = await startGateway()
  const person = await signIn(gateway)
  const tokens = await getTokens(gateway, person)
  credentials = [tokens.access_token, tokens.refresh_token, tokens.id_token ?? '']
  cookies = [...person.browser.cookies].map(([name, value]) => `${name}=${value}`)
  for (const { fn } of ENDPOINTS) functions.set(fn, (await import(`../../netlify/functions/${fn}.ts`)).default)
})
afterAll(() => gateway?.stop())

type Dialect = 'oauth' | 'api' | 'page'
const ENDPOINTS: { path: string; fn: string; dialect: Dialect; params: string[] }[] = [
  {
    path: '/oauth/authorize',
    fn: 'oauth-authorize',
    dialect: 'page',
    params:
      'response_type client_id redirect_uri scope state code_challenge code_challenge_method nonce prompt max_age resource id_token_hint request response_mode'.split(
        ' ',
      ),
  },
  { path: '/oauth/consent', fn: 'oauth-authorize', dialect: 'page', params: ['authorization_id', 'csrf', 'decision'] },
  {
    path: '/oauth/token',
    fn: 'oauth-token',
    dialect: 'oauth',
    params: 'grant_type client_id client_secret code redirect_uri code_verifier refresh_token scope resource'.split(
      ' ',
    ),
  },
  {
    path: '/oauth/introspect',
    fn: 'oauth-introspect',
    dialect: 'oauth',
    params: ['token', 'token_type_hint', 'client_id', 'client_secret'],
  },
  {
    path: '/oauth/revoke',
    fn: 'oauth-revoke',
    dialect: 'oauth',
    params: ['token', 'token_type_hint', 'client_id', 'client_secret'],
  },
  { path: '/oauth/userinfo', fn: 'oauth-userinfo', dialect: 'oauth', params: ['access_token'] },
  {
    path: '/oauth/logout',
    fn: 'oauth-logout',
    dialect: 'page',
    params: ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'csrf'],
  },
  { path: '/oauth/jwks.json', fn: 'discovery', dialect: 'oauth', params: [] },
  { path: '/.well-known/openid-configuration', fn: 'discovery', dialect: 'oauth', params: [] },
  { path: '/v1/auth/otp/send', fn: 'otp', dialect: 'api', params: ['email', 'type', 'platform', 'project_scope'] },
  { path: '/v1/auth/otp/verify', fn: 'otp', dialect: 'api', params: ['email', 'token', 'type', 'platform'] },
  { path: '/v1/auth/verify', fn: 'verify', dialect: 'api', params: ['token'] },
  { path: '/v1/auth/verify-token', fn: 'verify', dialect: 'api', params: ['token'] },
  { path: '/v1/auth/resolve', fn: 'resolve', dialect: 'api', params: ['client_id', 'uai'] },
  { path: '/v1/auth/resolve/debug', fn: 'resolve', dialect: 'api', params: ['skipCache'] },
  { path: '/v1/auth/me', fn: 'session', dialect: 'api', params: [] },
  { path: '/v1/auth/sessions', fn: 'session', dialect: 'api', params: [] },
  { path: '/v1/auth/sessions/x', fn: 'session', dialect: 'api', params: [] },
  { path: '/v1/auth/session/check', fn: 'session', dialect: 'api', params: [] },
  { path: '/v1/auth/refresh', fn: 'session', dialect: 'api', params: ['refresh_token', 'refreshToken'] },
  { path: '/v1/auth/logout', fn: 'session', dialect: 'api', params: [] },
  { path: '/web/login', fn: 'web', dialect: 'page', params: ['return_to', 'prompt', 'email', 'csrf', 'error'] },
  { path: '/web/code', fn: 'web', dialect: 'page', params: ['code', 'csrf'] },
  { path: '/web/code/resend', fn: 'web', dialect: 'page', params: ['csrf'] },
  { path: '/web/logout', fn: 'web', dialect: 'page', params: ['return_to', 'csrf'] },
  { path: '/health', fn: 'health', dialect: 'api', params: [] },
]

const NASTY = [
  '',
  '\0',
  'a\0b',
  '\ud800',
  '\uFFFE',
  '__proto__',
  'constructor',
  'null',
  '%00',
  '../../etc/passwd',
  "' or 1=1 --",
  '{}',
  '[]',
  '-1',
  '9'.repeat(30),
  'x'.repeat(9000),
  '🦊'.repeat(50),
  'http://[::1',
  'javascript:alert(1)',
  'none login',
  '0195d000-0000-7000-8000-000000000001',
  '00000000-0000-0000-0000-000000000000',
]
const LIKELY = [
  'code',
  'authorization_code',
  'refresh_token',
  'auth-tester',
  'AUTH-TESTER',
  'lanonasis-cli',
  'dashboard-web',
  'http://127.0.0.1:4000/auth-tester',
  'openid profile',
  'S256',
  'E9Melhoa2OwvFrEMTJguCHaoeKCwmdxwG2mbm2GnWIQ',
  'none',
  'allow',
  'email',
  'web',
  'ada@example.com',
  '123456',
  'https://api.lanonasis.com',
  '/web/login',
  '0',
]

const text = () =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...LIKELY) },
    { weight: 2, arbitrary: fc.constantFrom(...NASTY) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
    { weight: 1, arbitrary: fc.nat(2).map((at) => credentials[at] ?? '') },
  )
const value = () => fc.oneof(text(), fc.jsonValue({ maxDepth: 2 }))

const header = (given: string) => given.replace(/[^\x20-\x7e]/g, '')

function request(endpoint: (typeof ENDPOINTS)[number]) {
  const name = () => fc.oneof({ weight: 5, arbitrary: fc.constantFrom('x', ...endpoint.params) }, text())
  return fc.record({
    method: fc.constantFrom('GET', 'POST', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'),
    mirror: fc.constantFrom('', '', '', '/api/v1'),
    query: fc.array(fc.tuple(name(), text()), { maxLength: 10 }),
    pairs: fc.array(fc.tuple(name(), value()), { maxLength: 10 }),
    type: fc.constantFrom(
      'application/x-www-form-urlencoded',
      'application/json',
      'application/json; charset=utf-16',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/xml',
      '',
      ';;;',
    ),
    shape: fc.constantFrom('right', 'right', 'right', 'raw', 'json array', 'broken', 'none'),
    raw: fc.uint8Array({ maxLength: 200 }),
    authorization: fc.oneof(
      fc.constant(undefined),
      text().map((token) => `Bearer ${token}`),
      fc.tuple(text(), text()).map(([id, secret]) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`),
      text(),
    ),
    cookie: fc.oneof(
      fc.constant(undefined),
      fc.constantFrom(0, 1, 2).map((count) => cookies.slice(0, count).join('; ')),
      text().map((handle) => `lanonasis_session=${handle}; lanonasis_sign_in=${handle}`),
    ),
    accept: fc.constantFrom(undefined, '*/*', 'text/html', 'application/json', 'application/problem+json', 'nonsense'),
    apiKey: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: text() }),
    site: fc.constantFrom(undefined, 'same-origin', 'cross-site'),
  })
}

type Fuzzed = ReturnType<typeof request> extends fc.Arbitrary<infer T> ? T : never

function bodyOf({ shape, type, pairs, raw }: Fuzzed): BodyInit | undefined {
  if (shape === 'none') return undefined
  if (shape === 'raw') return raw as BodyInit
  if (shape === 'json array') return JSON.stringify(pairs)
  if (shape === 'broken') return '{"a": '
  if (type.includes('json')) return JSON.stringify(Object.fromEntries(pairs))
  return new URLSearchParams(
    pairs.map(([name, one]) => [name, typeof one === 'string' ? one : JSON.stringify(one)]),
  ).toString()
}

function toRequest(path: string, fuzzed: Fuzzed): Request {
  const { method, query, mirror, authorization, cookie, accept, apiKey, site, type } = fuzzed
  const search = new URLSearchParams(query)
  const url = `${gateway.url}${mirror && path.startsWith('/oauth') ? `${mirror}${path}` : path}?${search}`
  const headers = new Headers()
  const set = (name: string, given: string | undefined) => given !== undefined && headers.set(name, header(given))
  set('authorization', authorization)
  set('cookie', cookie)
  set('accept', accept)
  set('x-api-key', apiKey)
  set('sec-fetch-site', site)
  const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(fuzzed)
  const made = new Request(url, { method, headers, body })
  if (type) made.headers.set('content-type', type)
  else made.headers.delete('content-type')
  return made
}

async function checkDialect(response: Response, dialect: Dialect, fuzzed: Fuzzed): Promise<void> {
  const { status, headers } = response
  const type = headers.get('content-type') ?? ''
  const html = dialect === 'page' && (!fuzzed.accept || /text\/html|\*\/\*/.test(fuzzed.accept))
  const body = await response.text()
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  if (status < 400 || fuzzed.method === 'HEAD') return
  if (type.includes('text/html')) {
    expect(dialect).toBe('page')
    expect(body).toContain('<h1>')
    return
  }
  expect(html, `${status} ${type} for a page`).toBe(false)
  const parsed = JSON.parse(body)
  if (type === 'application/problem+json') expect(parsed).toMatchObject({ status, title: expect.any(String) })
  else if (dialect === 'oauth') {
    expect(parsed.error).toMatch(/^[a-z_]+$/)
    expect(parsed.error_description ?? '').toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/)
  } else expect(parsed).toMatchObject({ error: expect.any(String), code: expect.stringMatching(/^[A-Z_]+$/) })
}

describe.each(ENDPOINTS)('$path', (endpoint) => {
  const { path, fn, dialect } = endpoint
  const handle = (made: Request) => call(functions.get(fn) as FunctionHandler, made)

  test(`4xx at most, in the ${dialect} dialect, for ${RUNS} random requests`, { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(request(endpoint), async (fuzzed) => {
        const response = await handle(toRequest(path, fuzzed))
        expect(response.status, `${fuzzed.method} ${path}`).toBeLessThan(500)
        await checkDialect(response, dialect, fuzzed)
      }),
      { numRuns: RUNS },
    )
  })

  test('413 for a body over 64 KB, with and without a length', async () => {
    const big = `x=${'y'.repeat(70_000)}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const url = `${gateway.url}${path}`
    const sized = new Request(url, {
      method: 'POST',
      body: big,
      headers: { ...headers, 'content-length': String(big.length) },
    })
    expect((await handle(sized)).status).toBe(413)
    const streamed = new Request(url, {
      method: 'POST',
      headers,
      body: new Blob([big]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect((await handle(streamed)).status).toBe(413)
  })
})
