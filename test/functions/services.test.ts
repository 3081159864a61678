import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn } from '../support/api-keys.ts'
import { addClient, startGateway, type TestGateway } from '../support/gateway.ts'
import { createBrowser, getTokens, signIn } from '../support/sign-in.ts'

type Arrived = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

let gateway: TestGateway
let upstream: Server
let origin: string
let ada: DirectSignIn
const arrived: Arrived[] = []

beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    if (url.includes('/slow-stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: one\n\n')
      return void setTimeout(() => response.end('data: two\n\n'), 400)
    }
    if (url.includes('/moved')) return response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    if (url.includes('/broken')) return response.destroy()
    let body = ''
    try {
      for await (const chunk of request) body += chunk
    } catch {
      return
    }
    arrived.push({ method, url, headers, body: body.slice(0, 100) })
    if (url.includes('/nothing')) return response.writeHead(204).end()
    if (url.includes('/refused'))
      return response.writeHead(409, { 'content-type': 'application/json' }).end('{"error":"taken"}')
    response.writeHead(200, {
      'content-type': 'application/json',
      'set-cookie': 'a=b',
      'cache-control': 'public, s-maxage=600',
      server: 'secret',
      etag: '"1"',
    })
    response.end('{"memories":[1]}')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  gateway = await startGateway({
    env: {
      SERVICE_UPSTREAMS: `memories=${origin}/base/, ai-chat=${origin}/ai,webhook-handler=${origin}/hooks,mcp-handler=http://127.0.0.1:1`,
    },
  })
  ada = await directSignIn(gateway)
})
afterAll(async () => {
  await gateway?.stop()
  upstream?.closeAllConnections()
  upstream?.close()
})
beforeEach(() => arrived.splice(0))

const ask = async (path: string, init: RequestInit = {}) => {
  const headers = { authorization: `Bearer ${ada.token}`, ...(init.headers as Record<string, string>) }
  const response = await fetch(`${gateway.url}${path}`, { redirect: 'manual', ...init, headers })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined }
}
const MEMORIES = '/api/v1/services/memories'

describe('1.10: the catalogue', () => {
  test('200 for anybody, with every service and whether it is there', async () => {
    const body = await (await fetch(`${gateway.url}/services`)).json()
    expect(body).toMatchObject({ total_count: 11, base_url: gateway.url, version: '1' })
    const names = body.available_services.map(({ name }: { name: string }) => name)
    expect(names).toContain('memories-search')
    const there = body.available_services.filter(({ available }: { available: boolean }) => available)
    expect(there).toHaveLength(4)
  })
})

describe('1.10: the router', () => {
  test('200: the service learns who asks, from us alone, and nothing that proves it', async () => {
    const { status, body, headers } = await ask(`${MEMORIES}/list/a%20b?limit=2`, {
      headers: {
        'x-uai-auth-id': 'somebody',
        'x-user-role': 'platform_admin',
        'x-forwarded-for': '1.2.3.4',
        cookie: 'a=b',
      },
    })
    expect(status).toBe(200)
    expect(body).toEqual({ data: { memories: [1] }, onasis_metadata: expect.objectContaining({ service: 'memories' }) })
    const [seen] = arrived
    expect(seen).toMatchObject({ method: 'GET', url: '/base/list/a%20b?limit=2' })
    expect(seen?.headers).toMatchObject({
      'x-uai-auth-id': ada.uai,
      'x-user-id': ada.uai,
      'x-user-role': 'user',
      'x-uai-auth-method': 'bearer_token',
      'x-service': 'memories',
      'x-project-scope': 'lanonasis-maas',
    })
    for (const name of ['authorization', 'cookie', 'x-api-key', 'x-forwarded-for', 'x-real-ip'])
      expect(seen?.headers).not.toHaveProperty(name)
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('server')).toBeNull()
    expect(headers.get('etag')).toBe('"1"')
    expect(headers.get('x-powered-by')).toBe('Onasis-CORE')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toContain('sandbox')
  })

  test('200: the assertion stands under our keys, for that service, and is no access token', async () => {
    await ask(MEMORIES)
    const assertion = String(arrived[0]?.headers['x-uai-assertion'])
    const keys = createRemoteJWKSet(new URL(`${gateway.url}/oauth/jwks.json`))
    const { payload } = await jwtVerify(assertion, keys, { issuer: gateway.url, audience: origin, typ: 'uai+jwt' })
    expect(payload.sub).toBe(ada.uai)
    expect(payload.jti).not.toBe(arrived[0]?.headers['x-request-id'])
    expect((await ask('/v1/auth/me', { headers: { authorization: `Bearer ${assertion}` } })).status).toBe(401)
  })

  test('200: bodies pass, other answers come as they are', async () => {
    const form = { 'content-type': 'text/plain' }
    await ask(`${MEMORIES}/x`, { method: 'POST', body: 'a body', headers: form })
    expect(arrived[0]).toMatchObject({ method: 'POST', body: 'a body', headers: { 'content-type': 'text/plain' } })
    expect(await ask(`${MEMORIES}/nothing`, { method: 'DELETE' })).toMatchObject({ status: 204, text: '' })
    expect(await ask(`${MEMORIES}/refused`)).toMatchObject({ status: 409, body: { error: 'taken' } })
    await ask('/api/v1/chat/completions', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    await ask('/webhook/stripe', { method: 'POST' })
    expect(arrived.slice(-2).map(({ url }) => url)).toEqual(['/ai/chat/completions', '/hooks/stripe'])
  })

  test('200: an answer streams before it is complete', async () => {
    const response = await fetch(`${gateway.url}${MEMORIES}/slow-stream`, {
      headers: { authorization: `Bearer ${ada.token}` },
    })
    const reader = response.body?.getReader()
    const startedAt = performance.now()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('one')
    expect(performance.now() - startedAt).toBeLessThan(300)
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('two')
  })

  test('307 from the short address, with the query', async () => {
    const { status, headers } = await ask('/services/memories?a=1', { method: 'POST' })
    expect([status, headers.get('location')]).toEqual([307, `${MEMORIES}?a=1`])
  })

  test('307 to a service and nowhere else, whatever the name is encoded from', async () => {
    for (const name of ['..%2f..%2fweb%2flogout', '%0d%0ax']) {
      const { status, headers } = await ask(`/services/${name}`, { method: 'POST' })
      expect([status, headers.get('location')?.toLowerCase()]).toEqual([307, `/api/v1/services/${name}`])
    }
  })
})

describe('1.10: who may ask', () => {
  test('200 by cookie, API key, and the header of MCP clients', async () => {
    const { browser } = await signIn(gateway)
    expect((await browser.visit(MEMORIES)).status).toBe(200)
    const made = await api(gateway, 'POST', '/api/v1/api-keys', {
      token: ada.token,
      body: { name: 'r', scopes: ['memories:read'] },
    })
    const key = { authorization: '', 'x-api-key': made.body.data.key }
    expect((await ask(MEMORIES, { headers: key })).status).toBe(200)
    expect(await ask(MEMORIES, { method: 'POST', headers: key })).toMatchObject({
      status: 403,
      body: { error: { code: 'SCOPE_INSUFFICIENT' } },
    })
    expect((await ask(MEMORIES, { headers: { authorization: `MCP ${ada.token}` } })).status).toBe(200)
    expect((await ask(MEMORIES, { headers: { authorization: '', 'x-mcp-auth': ada.token } })).status).toBe(200)
    expect(arrived.filter(({ headers }) => headers['x-uai-auth-id'] === ada.uai)).toHaveLength(3)
  })

  test('401 for nobody, in the shape of the router', async () => {
    const { status, body, headers } = await ask(MEMORIES, { headers: { authorization: '', 'x-uai-auth-id': ada.uai } })
    expect(status).toBe(401)
    expect(body).toEqual({
      error: { message: expect.any(String), type: 'authentication_error', code: 'AUTH_REQUIRED' },
      request_id: headers.get('x-request-id'),
    })
    expect(arrived).toEqual([])
  })

  test('403 for an application of somebody else without the scope', async () => {
    const person = await signIn(gateway)
    const client = await addClient(gateway, 'router-app', {
      scope: 'profile',
      default_scope: 'profile',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1:9/cb'],
    })
    const { access_token } = await getTokens(gateway, person, {
      client_id: client.client_id,
      redirect_uri: client.redirect_uri,
      scope: 'profile',
    })
    const refused = await ask(MEMORIES, { headers: { authorization: `Bearer ${access_token}` } })
    expect(refused).toMatchObject({ status: 403, body: { error: { code: 'SCOPE_INSUFFICIENT' } } })
    expect(arrived).toEqual([])
  })

  test('403 for a page of somebody else that makes a browser write', async () => {
    const { browser } = await signIn(gateway)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { authorization: '', cookie, origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' }
    expect(await ask(MEMORIES, { method: 'POST', headers })).toMatchObject({
      status: 403,
      body: { error: { code: 'CSRF_INVALID' } },
    })
    expect(arrived).toEqual([])
  })

  test('404 INVALID_SERVICE with those that are there, 405 with what a service takes', async () => {
    const unknown = await ask('/api/v1/services/nowhere/x')
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'INVALID_SERVICE' } } })
    expect(unknown.body.available_services).toEqual(['ai-chat', 'memories', 'mcp-handler', 'webhook-handler'])
    const wrong = await ask('/api/v1/services/ai-chat', { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('SSRF: no request leaves the services that the operator named', () => {
  test.each([
    '/../../admin',
    '/%2e%2e/admin',
    '/..%2fadmin',
    '/a%2F..%2F..%2Fadmin',
    '/%5c%5cevil.example',
    '/.%2e/x',
    '/a/%00',
    '/;/../x',
  ])('404 or a path under the base for %s', async (path) => {
    const { status } = await ask(`${MEMORIES}${path}`)
    expect(arrived.filter(({ url }) => !url.startsWith('/base'))).toEqual([])
    expect([200, 404]).toContain(status)
  })

  test('404 for an encoded name, which would cut the path elsewhere', async () => {
    expect((await ask('/api/v1/services/%6demories/x')).status).toBe(404)
    expect(arrived).toEqual([])
  })

  test.each(['@evil.example', ':80@evil.example', '.evil.example', '//evil.example'])(
    '404 for a name that continues the host: %s',
    async (rest) => {
      expect((await ask(`${MEMORIES}${rest}`)).status).toBe(rest.startsWith('//') ? 200 : 404)
      expect(arrived.filter(({ url }) => !url.startsWith('/base'))).toEqual([])
    },
  )

  test('500 ROUTING_FAILURE for a redirect, which is neither followed nor told, for a broken answer and for nobody', async () => {
    for (const path of [`${MEMORIES}/moved`, `${MEMORIES}/broken`, '/api/v1/services/mcp-handler']) {
      const { status, body, headers, text } = await ask(path)
      expect([status, body.error.code, headers.get('location')]).toEqual([500, 'ROUTING_FAILURE', null])
      expect(text).not.toMatch(/169\.254|127\.0\.0\.1|ECONN/)
    }
  })

  test('413 for more than is passed on, told while it comes', async () => {
    const { status, body } = await ask(`${MEMORIES}/x`, { method: 'POST', body: new Uint8Array(6 * 1024 * 1024 + 1) })
    expect([status, body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  })
})

test('429 RATE_LIMIT_EXCEEDED past the limit of a person', async () => {
  const { limiter } = gateway.gateway
  const { bucket } = limiter.limit('service-memories', ada.uai, 600, 60)
  await ask(MEMORIES)
  await gateway.sql`update auth_gateway.rate_limits set count = 600 where bucket = ${bucket}`
  const { status, body, headers } = await ask(MEMORIES)
  expect([status, body.error.code, body.error.type]).toEqual([429, 'RATE_LIMIT_EXCEEDED', 'rate_limit_error'])
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
})

test('a browser without a session is refused too', async () => {
  expect((await createBrowser(gateway).visit(MEMORIES)).status).toBe(401)
})
