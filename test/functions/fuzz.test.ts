import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadFunctions } from '../../netlify/listen.ts'
import { createMatcher, readRedirects } from '../../netlify/redirects.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import type { FunctionHandler } from '../../shared/http/serve.ts'
import { api } from '../support/api-keys.ts'
import { call, useGateway } from '../support/gateway.ts'
import { enrolTotp, giveRole } from '../support/operators.ts'
import { getTokens, signIn } from '../support/sign-in.ts'

/** Random requests to each path; more where anyone may send them and tokens come of it. */
const RUNS = { oauth: 100, page: 30, api: 30, service: 30 }
let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
let credentials: string[] = []
let cookies: string[] = []
const redirects = readRedirects('netlify.toml')
const functionOf = createMatcher(redirects)
let functions: ReadonlyMap<string, FunctionHandler>

beforeAll(async () => {
  supabase = await startSupabaseAuth({ port: 0, publishableKey: 'sb_publishable_fuzz' })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({
  env: {
    SUPABASE_URL: supabase.url,
    SUPABASE_ANON_KEY: 'sb_publishable_fuzz',
    SYNC_WEBHOOK_SECRET: randomBytes(32).toString('hex'),
    RESEND_WEBHOOK_SECRET: `whsec_${randomBytes(24).toString('base64')}`,
    TWILIO_AUTH_TOKEN: randomBytes(16).toString('hex'),
  },
}))
beforeAll(async () => {
  functions = await loadFunctions(redirects)
})

/** An operator who proved an authenticator app, and every credential of theirs, again where a request of before ended one. */
beforeEach(async () => {
  const check = { headers: { cookie: cookies.join('; '), authorization: `Bearer ${credentials[0]}` } }
  if (credentials.length > 0 && (await fetch(`${gateway.url}/v1/auth/session/check`, check)).ok) return
  const person = await signIn(gateway)
  await enrolTotp(person)
  await giveRole(gateway, person.uai, 'platform_admin')
  const tokens = await getTokens(gateway, person, { scope: undefined })
  const account = await getTokens(gateway, person, { scope: undefined, resource: gateway.url })
  const { body } = await api(gateway, 'POST', '/api/v1/api-keys', {
    token: account.access_token,
    body: { name: 'fuzz' },
  })
  credentials = [tokens.access_token, account.access_token, body.data?.key ?? '', tokens.refresh_token]
  cookies = [...person.browser.cookies].map(([name, value]) => `${name}=${value}`)
})

type Dialect = 'oauth' | 'api' | 'page' | 'service'
type Schema = { $ref?: string; properties?: Record<string, Schema>; enum?: unknown[]; const?: unknown } & {
  [combination in 'allOf' | 'anyOf' | 'oneOf']?: Schema[]
}
type Operation = {
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema?: Schema }> }
  responses: Record<string, { $ref?: string; content?: Record<string, unknown> }>
}
type Endpoint = { path: string; dialects: Dialect[]; methods: string[]; params: string[]; likely: string[] }

const DESCRIPTION = JSON.parse(readFileSync('netlify/openapi/openapi.json', 'utf8'))
const DIALECTS: Record<string, Dialect> = { OAuthRefusal: 'oauth', PageRefusal: 'page', ServiceRefusal: 'service' }

const resolve = ({ $ref, ...schema }: Schema): Schema =>
  $ref
    ? $ref
        .slice(2)
        .split('/')
        .reduce((at, name) => at[name.replaceAll('~1', '/').replaceAll('~0', '~')], DESCRIPTION)
    : schema

/** Names of the members that a schema knows, and the words that it lists for them. */
function membersOf(schema: Schema, depth = 0): { names: string[]; words: string[] } {
  if (depth > 5) return { names: [], words: [] }
  const { properties = {}, allOf = [], anyOf = [], oneOf = [], enum: listed = [], const: only } = resolve(schema)
  const within = [...Object.values(properties), ...allOf, ...anyOf, ...oneOf].map((one) => membersOf(one, depth + 1))
  return {
    names: [...Object.keys(properties), ...within.flatMap(({ names }) => names)],
    words: [...[...listed, only].filter((one) => typeof one === 'string'), ...within.flatMap(({ words }) => words)],
  }
}

function endpointOf([path, item]: [string, Record<string, Operation>]): Endpoint {
  const operations = Object.entries(item)
  const all = operations.map(([, operation]) => operation)
  const bodies = all.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))
  const members = bodies.map(({ schema = {} }) => membersOf(schema))
  const queries = all.flatMap(({ parameters = [] }) => parameters.filter((one) => one.in === 'query'))
  const refusals = all.map(({ responses }) => responses.default?.$ref?.split('/').at(-1) ?? '')
  const isPage = all.some(({ responses }) => Object.values(responses).some(({ content }) => content?.['text/html']))
  return {
    path,
    methods: operations.map(([method]) => method.toUpperCase()),
    dialects: [...new Set([...refusals.map((name) => DIALECTS[name] ?? 'api'), ...(isPage ? ['page' as const] : [])])],
    params: [...new Set([...queries.map(({ name }) => name), ...members.flatMap(({ names }) => names)])],
    likely: [...new Set(members.flatMap(({ words }) => words))],
  }
}

/** Every path of the document but the mirrors, which lead to the same routes. */
const ENDPOINTS = Object.entries<Record<string, Operation>>(DESCRIPTION.paths)
  .filter(([, item]) => !('$ref' in item))
  .map(endpointOf)

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
    { weight: 1, arbitrary: fc.nat(3).map((at) => credentials[at] ?? '') },
  )

const header = (given: string) => given.replace(/[^\x20-\x7e]/g, '')

/** A segment of a path; what would change the path is encoded. */
const segment = () =>
  text().map((one) => encodeURIComponent(one.toWellFormed().slice(0, 200)).replace(/^\.{1,2}$/, 'x') || 'x')

function request(endpoint: Endpoint) {
  const word = () => (endpoint.likely.length > 0 ? fc.oneof(text(), fc.constantFrom(...endpoint.likely)) : text())
  const value = () => fc.oneof(word(), fc.jsonValue({ maxDepth: 2 }))
  const name = () => fc.oneof({ weight: 5, arbitrary: fc.constantFrom('x', ...endpoint.params) }, text())
  return fc.record({
    method: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...endpoint.methods) },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD') },
    ),
    segments: fc.array(segment(), { minLength: 4, maxLength: 4 }),
    mirror: fc.constantFrom('', '', '', '/api/v1'),
    query: fc.array(fc.tuple(name(), word()), { maxLength: 10 }),
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
      fc.constantFrom(0, 1, 9).map((count) => cookies.slice(0, count).join('; ')),
      text().map((handle) => `lanonasis_session=${handle}; lanonasis_browser=${handle}`),
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

function toRequest(template: string, fuzzed: Fuzzed): Request {
  const { method, query, mirror, segments, authorization, cookie, accept, apiKey, site, type } = fuzzed
  const search = new URLSearchParams(query)
  let at = 0
  const path = template.replaceAll(/\{\w+\}/g, () => segments[at++] ?? 'x')
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

async function checkDialect(response: Response, { dialects, methods }: Endpoint, fuzzed: Fuzzed): Promise<void> {
  const { status, headers } = response
  const type = headers.get('content-type') ?? ''
  const dialect = dialects.find((one) => one !== 'page') ?? 'page'
  const body = await response.text()
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  if (status < 400 || fuzzed.method === 'HEAD') return
  if (type.includes('text/html')) {
    // A function with pages shows an error as a page to clients that prefer HTML.
    expect(dialects.includes('page') || fuzzed.accept === 'text/html').toBe(true)
    expect(body).toContain('<h1>')
    return
  }
  const asksForPages = methods.includes(fuzzed.method) && (!fuzzed.accept || /text\/html|\*\/\*/.test(fuzzed.accept))
  expect(dialect === 'page' && asksForPages, `${status} ${type} for a page`).toBe(false)
  const parsed = JSON.parse(body)
  if (type === 'application/problem+json') expect(parsed).toMatchObject({ status, title: expect.any(String) })
  else if (dialect === 'service') expect(parsed).toMatchObject({ error: { code: expect.stringMatching(/^[A-Z_]+$/) } })
  else if (parsed.valid === false) expect(parsed.error).toBeTruthy()
  else if (dialect === 'oauth') {
    expect(parsed.error).toMatch(/^[a-z_]+$/)
    expect(parsed.error_description ?? '').toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/)
  } else expect(parsed).toMatchObject({ error: expect.any(String), code: expect.stringMatching(/^[A-Z_]+$/) })
}

describe.each(ENDPOINTS)('$path', (endpoint) => {
  const { path, dialects } = endpoint
  const handle = (made: Request) => {
    const name = functionOf(new URL(made.url).pathname) ?? ''
    return call(functions.get(name) as FunctionHandler, made)
  }

  test('4xx at most, in the dialect of the route, for random requests', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(request(endpoint), async (fuzzed) => {
        const made = toRequest(path, fuzzed)
        const response = await handle(made)
        expect(response.status, `${fuzzed.method} ${made.url}`).toBeLessThan(500)
        await checkDialect(response, endpoint, fuzzed)
      }),
      { numRuns: RUNS[dialects[0] ?? 'api'] },
    )
  })

  test.skipIf(dialects.includes('service'))('413 for a body over 64 KB, with and without a length', async () => {
    const big = `x=${'y'.repeat(70_000)}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const url = `${gateway.url}${path.replaceAll(/\{\w+\}/g, 'x')}`
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
