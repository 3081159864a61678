import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadFunctions } from '../../netlify/listen.ts'
import { pathOf as documentedPath } from '../../netlify/openapi/document.ts'
import { readRedirects } from '../../netlify/redirects.ts'
import { satisfies } from '../../packages/auth-server/src/scope.ts'
import { authorityTable } from '../../scripts/authority-table.ts'
import { SERVICES } from '../../shared/access/service-catalogue.ts'
import { catalogue, type Refusal } from '../../shared/errors.ts'
import type { Accepts, Caller, Route } from '../../shared/http/route.ts'
import type { Body } from '../support/api-keys.ts'
import { addClient, IP_HEADER, randomIp, useGateway } from '../support/gateway.ts'
import { dpopProof, newSigningKey } from '../support/proofs.ts'
import { ageSessions, ageTokens } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  newVerifier,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

/** A credential and what is true of it; the expected error follows from that and from what the route accepts. */
type Credential = {
  headers: Record<string, string>
  /** What authentication itself says of it, at whatever route. */
  broken?: Refusal
  caller?: Caller
  audience?: 'issuer' | 'shared' | 'other'
  scopes?: string[]
  pairwise?: true
  old?: true
  foreignPage?: true
}

const functions = await loadFunctions(readRedirects('netlify.toml'))
const routes = [...functions.values()].flatMap(({ app }) => app?.routes ?? [])
const guarded = routes.filter(({ spec }) => spec.authority.accepts.some(({ callers }) => callers.length > 0))
const isPage = ({ spec }: Route) => spec.authority.accepts.some(({ page }) => page)
const nameOf = ({ method, path }: Route) => `${method} ${path}`

const ID = '0198a0f4-8f4c-7000-8000-000000000000'
const pathOf = ({ path }: Route) =>
  path
    .replace(/:service\b/, 'memories')
    .replace(/:\w+\{([\w]+)\|[^}]*\}/g, '$1')
    .replace(/:\w+(\{[^}]*\})?/g, ID)

/** A service behind the router. */
const upstream = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{}'))

let person: SignedInBrowser
const credentials: Record<string, Credential> = {}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

beforeAll(async () => {
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => void upstream.close())
const gateway = useGateway(() => {
  const { port } = upstream.address() as AddressInfo
  const upstreams = ['memories', 'ai-chat', 'webhook-handler'].map((name) => `${name}=http://127.0.0.1:${port}`)
  return { env: { SERVICE_UPSTREAMS: upstreams.join(), SYNC_WEBHOOK_SECRET: 'a'.repeat(40) } }
})
beforeAll(async () => {
  person = await signIn(gateway)
  const issuer = gateway.url
  const native = { token_endpoint_auth_method: 'none' as const, redirect_uris: ['https://third.example/cb'] }
  const wide = 'openid profile memories:read account:read account:write api-keys:read'
  const third = { client_id: 'third', redirect_uri: 'https://third.example/cb', resource: issuer }
  await addClient(gateway, 'third', { ...native, scope: wide })
  const scope = 'openid memories:read account:read'
  await addClient(gateway, 'paired', { ...native, scope, subject_type: 'pairwise' })
  const tokens = (changes: Record<string, string | undefined>) => getTokens(gateway, person, changes)

  const own = await tokens({ resource: issuer })
  const shared = await tokens({ client_id: 'auth-tester' })
  credentials['a token for the gateway alone, of our own application'] = {
    headers: bearer(own.access_token),
    caller: 'first_party',
    audience: 'issuer',
  }
  credentials['a token that our own application shares with the default resource'] = {
    headers: bearer(shared.access_token),
    caller: 'first_party',
    audience: 'shared',
  }
  const other = await tokens({ resource: 'https://mcp.lanonasis.com/mcp' })
  credentials['a token for another resource'] = {
    headers: bearer(other.access_token),
    caller: 'first_party',
    audience: 'other',
  }
  const byDefault = await tokens({ resource: 'https://api.lanonasis.com' })
  credentials['a token for the default resource only'] = {
    headers: bearer(byDefault.access_token),
    caller: 'first_party',
    audience: 'other',
  }
  for (const [name, asked] of [
    ['an application’s token without the scope', 'openid profile'],
    ['an application’s token with scopes', 'openid account:read api-keys:read'],
  ] as const)
    credentials[name] = {
      headers: bearer((await tokens({ ...third, scope: asked })).access_token),
      caller: 'application',
      audience: 'issuer',
      scopes: asked.split(' '),
    }
  const paired = await tokens({ client_id: 'paired', redirect_uri: third.redirect_uri, scope, resource: issuer })
  credentials['a token of a client that knows people by a pairwise name'] = {
    headers: bearer(paired.access_token),
    caller: 'application',
    audience: 'issuer',
    scopes: scope.split(' '),
    pairwise: true,
  }
  const key = await newSigningKey()
  credentials['a bound token without its proof'] = {
    headers: bearer(await boundToken(await dpopProof(key, { htm: 'POST', htu: `${issuer}/oauth/token` }))),
    broken: 'invalid_token',
  }
  const revoked = (await tokens({ resource: issuer })).access_token
  await post(gateway, '/oauth/revoke', { client_id: 'auth-tester', token: revoked })
  credentials['a revoked token'] = { headers: bearer(revoked), broken: 'session_invalid' }
  const offline = await tokens({ resource: issuer, scope: 'openid profile email offline_access', prompt: 'consent' })
  credentials['a refresh token'] = { headers: bearer(offline.refresh_token ?? 'none'), broken: 'invalid_token' }
  credentials['an ID token'] = { headers: bearer(own.id_token ?? 'none'), broken: 'invalid_token' }
  credentials['an agent’s token'] = {
    headers: bearer(await agentToken()),
    caller: 'agent',
    audience: 'other',
    scopes: ['memories:read'],
  }
  const made = await ofBrowser('POST', '/v1/auth/api-keys', { name: 'key', scopes: ['memories:read'] })
  credentials['an API key'] = {
    headers: { 'x-api-key': made.body.data.key },
    caller: 'api_key',
    scopes: ['memories:read'],
  }
  credentials['the cookie, sent by a foreign page'] = {
    headers: { ...cookieOf(person), origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    caller: 'browser',
    foreignPage: true,
  }
  credentials['a token of an old sign-in'] = {
    headers: bearer(await oldToken()),
    caller: 'first_party',
    audience: 'issuer',
    old: true,
  }
})

const cookieOf = ({ browser }: SignedInBrowser) => ({
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
})

async function ofBrowser(method: string, path: string, body: object): Promise<Body> {
  const headers = { ...cookieOf(person), 'content-type': 'application/json', [IP_HEADER]: randomIp() }
  const response = await fetch(`${gateway.url}${path}`, { method, headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

async function boundToken(dpop: string): Promise<string> {
  const verifier = newVerifier()
  const params = authorizeParams(verifier, { resource: gateway.url })
  const code = (await authorize(person.browser, params)).get('code') ?? ''
  const { client_id = '', redirect_uri = '' } = params
  const grant = { grant_type: 'authorization_code', client_id, redirect_uri, code, code_verifier: verifier }
  const { body } = await post(gateway, '/oauth/token', grant, { dpop })
  expect(body.token_type).toBe('DPoP')
  return body.access_token
}

async function agentToken(): Promise<string> {
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const { client_secret } = await addClient(gateway, 'agent', { grant_types: [grant], redirect_uris: [] })
  const { body } = await ofBrowser('POST', '/v1/auth/agents', { client_id: 'agent', scopes: ['memories:read'] })
  const subject = {
    subject_token: body.id,
    subject_token_type: 'urn:lanonasis:params:oauth:token-type:agent_delegation',
  }
  const authorization = `Basic ${Buffer.from(`agent:${encodeURIComponent(client_secret)}`).toString('base64')}`
  return (await post(gateway, '/oauth/token', { grant_type: grant, ...subject }, { authorization })).body.access_token
}

async function oldToken(): Promise<string> {
  const old = await signIn(gateway)
  const { access_token } = await getTokens(gateway, old, { resource: gateway.url })
  await ageSessions(gateway, old.uai, 3600)
  await ageTokens(gateway, old.uai, 3600)
  return access_token
}

/** The error that the route owes to the credential; undefined where it is let in. */
function owed(route: Route, accepts: Accepts, credential: Credential): Refusal | undefined {
  const { broken, caller, audience, scopes = [], pairwise, old, foreignPage } = credential
  if (broken) return broken
  if (foreignPage && route.method !== 'GET') return 'csrf_invalid'
  if (!caller || !accepts.callers.includes(caller)) return 'insufficient_scope'
  const foreign = audience === 'other' || (audience === 'shared' && accepts.audience === 'issuer')
  if (audience && accepts.audience !== 'any' && foreign) return 'invalid_token'
  const needed = { application: accepts.scope, agent: accepts.scope, api_key: accepts.keyScope }[caller as string]
  const wanted = caller === 'api_key' && accepts.keyScope === undefined ? accepts.scope : needed
  if (wanted && !satisfies(scopes, wanted)) return 'insufficient_scope'
  if (accepts.namesPeople && pairwise) return 'insufficient_scope'
  if (accepts.operator) return 'not_an_operator'
  if (old && accepts.recent) return 'insufficient_user_authentication'
  return undefined
}

/** Routes of the service router need the scope that the service names. */
function scopeOfService({ method, path }: Route): { scope?: string } {
  const name = /^\/api\/v1\/services\//.test(path) ? 'memories' : OTHERS[path]
  const scopes = SERVICES.find(({ service_key }) => service_key === name)?.scopes
  return scopes ? { scope: method === 'GET' ? scopes.read : scopes.write } : {}
}
const OTHERS: Record<string, string> = { '/api/v1/chat/completions': 'ai-chat', '/webhook/:service': 'webhook-handler' }

const AUTHORITY_CODES = new Set<string>(
  (
    [
      'insufficient_scope',
      'invalid_token',
      'session_invalid',
      'csrf_invalid',
      'not_an_operator',
      'auth_required',
      'token_required',
      'insufficient_user_authentication',
      'admin_access_required',
    ] as Refusal[]
  ).map((one) => catalogue[one].code),
)

async function answerOf(route: Route, headers: Record<string, string>): Promise<{ status: number; code?: string }> {
  const { method } = route
  const response = await fetch(`${gateway.url}${pathOf(route)}`, {
    method,
    headers: {
      ...headers,
      accept: 'application/json',
      [IP_HEADER]: randomIp(),
      ...(method !== 'GET' && { 'content-type': 'application/json' }),
    },
    ...(method !== 'GET' && { body: '{}' }),
    redirect: 'manual',
  })
  const text = await response.text()
  const isJson =
    response.headers.get('content-type')?.includes('json') && !response.headers.get('content-type')?.includes('ndjson')
  const body: Body = isJson ? JSON.parse(text) : {}
  return { status: response.status, code: body.code ?? body.error?.code ?? body.error }
}

/** Status and code of an error; the clients of some routes know another name for one. */
function named({ denied }: Accepts, refusal: Refusal): { status: number; code: string } {
  const { status, code } = catalogue[(/^(not_an_operator|insufficient_scope)$/.test(refusal) && denied) || refusal]
  return { status, code }
}

const { paths } = JSON.parse(readFileSync('netlify/openapi/openapi.json', 'utf8'))

/** The error codes that the OpenAPI document names for a route. */
function documented({ method, path }: Route): string[] {
  const responses: Record<string, { description?: string }> =
    paths[documentedPath(path)][method.toLowerCase()].responses
  return Object.values(responses).flatMap(({ description = '' }) => description.match(/\b[A-Z_]{4,}\b/g) ?? [])
}

const api = guarded.filter((route) => !isPage(route)).map((route) => [nameOf(route), route] as const)
const pages = guarded.filter(isPage).map((route) => [nameOf(route), route] as const)

test('every route states what it accepts, and most of them require a caller', () => {
  expect(routes.length).toBeGreaterThan(200)
  expect(routes.filter(({ spec }) => spec.authority.accepts.length === 0).map(nameOf)).toEqual([])
  expect(api.length).toBeGreaterThan(70)
  expect(pages.length).toBeGreaterThan(40)
})

test('the table in the documents is up to date: npm run authority', () => {
  expect(readFileSync('docs/authority.md', 'utf8')).toContain(authorityTable(routes))
})

describe('a route of the API', () => {
  test.each(api)('%s refuses every credential that it does not accept', async (_, route) => {
    const [first] = route.spec.authority.accepts
    if (!first) throw new Error('no authority')
    const accepts = { ...first, ...scopeOfService(route) }
    const none = accepts.optional ? undefined : (accepts.missing ?? 'token_required')
    const answers: Record<string, unknown> = {}
    const right: Record<string, unknown> = {}
    for (const [name, credential] of Object.entries({ 'no credential': { headers: {} }, ...credentials })) {
      const refusal = name === 'no credential' ? none : owed(route, accepts, credential)
      const { status, code } = await answerOf(route, credential.headers)
      const isLetIn = status < 500 && !AUTHORITY_CODES.has(code ?? '')
      answers[name] = isLetIn ? 'let in' : { status, code }
      right[name] = refusal ? named(accepts, refusal) : 'let in'
      if (refusal && route.method !== 'ALL') expect(documented(route)).toContain(named(accepts, refusal).code)
    }
    expect(answers).toEqual(right)
  })
})

describe('a page', () => {
  test.each(pages)('%s sends a stranger to sign in, and takes nothing from a foreign page', async (_, route) => {
    const stranger = await fetch(`${gateway.url}${pathOf(route)}`, {
      method: route.method,
      headers: { [IP_HEADER]: randomIp() },
      redirect: 'manual',
    })
    expect(stranger.status).toBe(303)
    expect(new URL(stranger.headers.get('location') ?? '', gateway.url).pathname).toBe('/web/login')
    if (route.method === 'GET') return
    const foreign = credentials['the cookie, sent by a foreign page']?.headers ?? {}
    expect(await answerOf(route, foreign)).toEqual({ status: 403, code: 'CSRF_INVALID' })
  })
})

test('where the token is what is asked about, and at userinfo, a token for another resource is answered', async () => {
  const { access_token: token } = await getTokens(gateway, person, { resource: 'https://mcp.lanonasis.com/mcp' })
  const client_id = 'auth-tester'
  const ask = async (path: string, body: Record<string, string>, headers = {}) =>
    (await post(gateway, path, body, headers)).status
  expect(await ask('/oauth/introspect', { token, client_id })).toBe(200)
  expect(await ask('/v1/auth/verify-token', { token })).toBe(200)
  expect(await ask('/v1/auth/verify', {}, bearer(token))).toBe(200)
  expect(await ask('/oauth/userinfo', {}, bearer(token))).toBe(200)
  expect(await ask('/oauth/revoke', { token, client_id })).toBe(200)
})

test('401 a key-bound token in a body authenticates no one, whatever its audience', async () => {
  const bound = credentials['a bound token without its proof']?.headers.authorization?.split(' ')[1]
  const own = credentials['a token for the gateway alone, of our own application']?.headers
  const merge = await post(gateway, '/v1/auth/identities/merge', { retired_token: bound ?? '' }, own)
  expect([merge.status, merge.body.code]).toEqual([401, 'AUTH_TOKEN_INVALID'])
})
