import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect as connectTcp } from 'node:net'
import { gzipSync } from 'node:zlib'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { api, type DirectSignIn, directSignIn } from '../support/api-keys.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { fillLimits } from '../support/rows.ts'
import { createBrowser, getTokens, signIn } from '../support/sign-in.ts'

/** What a service may answer, by name. */
const answers = new Map<string, (response: ServerResponse, request: IncomingMessage) => unknown>()

type Arrived = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

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
    const made = answers.get(/answer=(\w+)/.exec(url)?.[1] ?? '')
    if (made) return made(response, request)
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
})
afterAll(async () => {
  upstream?.closeAllConnections()
  upstream?.close()
})
const gateway = useGateway(() => ({
  env: {
    SERVICE_ANSWER_MB: '8',
    SERVICE_IDLE_SECONDS: '1',
    SERVICE_UPSTREAMS: `memories=${origin}/base/, ai-chat=${origin}/ai,webhook-handler=${origin}/hooks,mcp-handler=http://127.0.0.1:1`,
  },
}))
beforeAll(async () => {
  ada = await directSignIn(gateway)
})
beforeEach(() => arrived.splice(0))

const ask = async (path: string, init: RequestInit = {}) => {
  const headers = { authorization: `Bearer ${ada.token}`, ...(init.headers as Record<string, string>) }
  const response = await fetch(`${gateway.url}${path}`, { redirect: 'manual', ...init, headers })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, text, body: json && text ? JSON.parse(text) : undefined }
}
const MEMORIES = '/api/v1/services/memories'

describe('1.10: the catalogue', () => {
  test('200 without a credential, with every service and whether it is available', async () => {
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

  test('200: the assertion is signed with our keys, for that service, and is no access token', async () => {
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

  test('401 without a credential, in the shape of the router', async () => {
    const { status, body, headers } = await ask(MEMORIES, { headers: { authorization: '', 'x-uai-auth-id': ada.uai } })
    expect(status).toBe(401)
    expect(body).toEqual({
      error: { message: expect.any(String), type: 'authentication_error', code: 'AUTH_REQUIRED' },
      request_id: headers.get('x-request-id'),
    })
    expect(arrived).toEqual([])
  })

  test('403 for a third-party application without the scope', async () => {
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
      resource: gateway.url,
    })
    const refused = await ask(MEMORIES, { headers: { authorization: `Bearer ${access_token}` } })
    expect(refused).toMatchObject({ status: 403, body: { error: { code: 'SCOPE_INSUFFICIENT' } } })
    expect(arrived).toEqual([])
  })

  test('403 for a page of another site that makes a browser write', async () => {
    const { browser } = await signIn(gateway)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { authorization: '', cookie, origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' }
    expect(await ask(MEMORIES, { method: 'POST', headers })).toMatchObject({
      status: 403,
      body: { error: { code: 'CSRF_INVALID' } },
    })
    expect(arrived).toEqual([])
  })

  test('404 INVALID_SERVICE with the known services, 405 with the allowed methods', async () => {
    const unknown = await ask('/api/v1/services/nowhere/x')
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'INVALID_SERVICE' } } })
    expect(unknown.body.available_services).toEqual(['ai-chat', 'memories', 'mcp-handler', 'webhook-handler'])
    const wrong = await ask('/api/v1/services/ai-chat', { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('SSRF: no request leaves the services that the operator named', () => {
  test.each([
    ['/../../admin', 404, []],
    ['/%2e%2e/admin', 404, []],
    ['/..%2fadmin', 404, []],
    ['/a%2F..%2F..%2Fadmin', 404, []],
    ['/%5c%5cevil.example', 404, []],
    ['/.%2e/x', 404, []],
    ['/a/%00', 404, []],
    ['/;/../x', 200, ['/base/x']],
  ])('%s: %i, and the service sees %j', async (path, expected, seen) => {
    const { status } = await ask(`${MEMORIES}${path}`)
    expect([status, arrived.map(({ url }) => url)]).toEqual([expected, seen])
  })

  test('404 for an encoded name, which would split the path elsewhere', async () => {
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

  test('500 ROUTING_FAILURE for a redirect, which is neither followed nor revealed, for a broken answer and for none', async () => {
    for (const path of [`${MEMORIES}/moved`, `${MEMORIES}/broken`, '/api/v1/services/mcp-handler']) {
      const { status, body, headers, text } = await ask(path)
      expect([status, body.error.code, headers.get('location')]).toEqual([500, 'ROUTING_FAILURE', null])
      expect(text).not.toMatch(/169\.254|127\.0\.0\.1|ECONN/)
    }
  })

  test('413 for a body over the limit, while it is still arriving', async () => {
    const { status, body } = await ask(`${MEMORIES}/x`, { method: 'POST', body: new Uint8Array(6 * 1024 * 1024 + 1) })
    expect([status, body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  })
})

describe('what a service may answer', () => {
  const JSON_TYPE = { 'content-type': 'application/json' }
  const EVENTS = { 'content-type': 'text/event-stream' }
  const MIB = 1024 * 1024
  const answering = async (name: string, answer: (response: ServerResponse, request: IncomingMessage) => unknown) => {
    answers.set(name, answer)
    return ask(`${MEMORIES}?answer=${name}`)
  }
  const json = (text: string | Buffer) => (response: ServerResponse) => response.writeHead(200, JSON_TYPE).end(text)

  test.each([
    ['an object', '{"a":1}', '{"a":1}'],
    ['numbers that no double holds, as they are', '[12345678901234567890, 1.10]', '[12345678901234567890, 1.10]'],
    ['members twice, inside of data', '{"a":1,"a":2}', '{"a":1,"a":2}'],
    ['null', 'null', 'null'],
    ['nothing', '', 'null'],
    ['a byte order mark', '\uFEFF{"a":1}', '{"a":1}'],
  ])('200 with %s under data', async (_name, sent, data) => {
    const { status, text } = await answering('good', json(sent))
    expect(status).toBe(200)
    expect(text.split(',"onasis_metadata":')[0]).toBe(`{"data":${data}`)
  })

  test.each([
    ['two values, of which one would be a member of ours', json('null,"data":{"admin":true}')],
    ['an object that is not closed', json('{"a":1')],
    ['text', json('<html>')],
    ['bytes that are not UTF-8', json(Buffer.from([0x22, 0xff, 0x22]))],
    ['more JSON than fits', json(`"${'a'.repeat(6 * MIB)}"`)],
    [
      'JSON that unpacks to more',
      (response: ServerResponse) =>
        response
          .writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' })
          .end(gzipSync(`"${'a'.repeat(64 * MIB)}"`)),
    ],
    ['JSON that stops', (response: ServerResponse) => void response.writeHead(200, JSON_TYPE).write('{"a":')],
    [
      'JSON that breaks off',
      (response: ServerResponse) =>
        response.writeHead(200, { ...JSON_TYPE, 'content-length': '99' }).write('{"a":1}', () => response.destroy()),
    ],
    [
      'a status that is none',
      (_response: ServerResponse, { socket }: IncomingMessage) =>
        socket.end('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
    ],
    ['a status above 599', (response: ServerResponse) => response.writeHead(600).end()],
  ])('502 SERVICE_ANSWER_UNUSABLE for %s', async (_name, answer) => {
    const { status, body } = await answering('bad', answer)
    expect([status, body.error.code]).toEqual([502, 'SERVICE_ANSWER_UNUSABLE'])
  })

  test('asks for plain bytes, whatever the caller takes', async () => {
    await ask(MEMORIES, { headers: { 'accept-encoding': 'gzip, br' } })
    expect(arrived[0]?.headers['accept-encoding']).toBe('identity')
  })

  test('an answer without a body has none, whatever content type the service sends', async () => {
    for (const status of [204, 205, 304]) {
      const answered = await answering(`empty${status}`, (response) => response.writeHead(status, JSON_TYPE).end())
      expect([answered.status, answered.text]).toEqual([status, ''])
    }
  })

  test('a stream that stops, is too long or breaks off never looks complete, and is one JSON line in the log', async () => {
    answers.set('stops', (response) => void response.writeHead(200, EVENTS).write('data: one\n\n'))
    answers.set('long', (response) => response.writeHead(200, EVENTS).end('a'.repeat(8 * MIB + 1)))
    answers.set('breaks', (response) =>
      response.writeHead(200, EVENTS).write('data: one\n\n', () => response.destroy()),
    )
    for (const name of ['stops', 'long', 'breaks']) {
      const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
      const raw = await readRaw(`${MEMORIES}?answer=${name}`)
      expect(raw.head, name).toContain('HTTP/1.1 200')
      expect(raw.ended, name).toBe(false)
      expect(raw.text, name).not.toContain('Error')
      expect(printed.mock.calls, name).toEqual([])
      printed.mockRestore()
    }
  })

  /** The bytes of an answer, and whether the last chunk came. */
  function readRaw(path: string): Promise<{ head: string; text: string; ended: boolean }> {
    const { hostname, port } = new URL(gateway.url)
    return new Promise((resolve) => {
      const socket = connectTcp(Number(port), hostname)
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString('latin1')))
      socket.on('error', () => {})
      socket.on('close', () => resolve({ head: text.slice(0, 12), text, ended: text.endsWith('0\r\n\r\n') }))
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ada.token}\r\nconnection: close\r\n\r\n`)
    })
  }
})

test('429 RATE_LIMIT_EXCEEDED past the limit of a person', async () => {
  const { limiter } = gateway.gateway
  const [{ bucket = '' } = {}] = limiter.of('service', `memories ${ada.uai}`)
  await ask(MEMORIES)
  await fillLimits(gateway, bucket, 600)
  const { status, body, headers } = await ask(MEMORIES)
  expect([status, body.error.code, body.error.type]).toEqual([429, 'RATE_LIMIT_EXCEEDED', 'rate_limit_error'])
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
})

test('a browser without a session is refused too', async () => {
  expect((await createBrowser(gateway).visit(MEMORIES)).status).toBe(401)
})
