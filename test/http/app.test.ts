import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { errorPage } from '../../netlify/pages/error-page.tsx'
import { GatewayError } from '../../shared/errors.ts'
import { createApp } from '../../shared/http/app.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { OWN_SECRETS } from '../support/secrets.ts'

const UUID = '018f2b3c-4d5e-7a6b-8c9d-0e1f2a3b4c5d'
const lines: Record<string, unknown>[] = []

beforeAll(() => {
  process.env.DATABASE_URL = 'postgres://app@localhost/gateway'
  Object.assign(process.env, OWN_SECRETS, { AUTH_BASE_URL: 'https://auth.example.com' })
  for (const method of ['log', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((line) => lines.push(JSON.parse(line)))
  }
})
beforeEach(() => {
  lines.length = 0
})

function endpoint() {
  const app = createApp('api')
  app.route('GET', '/v1/auth/me', { authority: openToAll })((c) =>
    c.json({ ip: c.var.call.request.clientIp ?? null, path: c.req.path }),
  )
  app.route('POST', '/v1/auth/me', { authority: openToAll })((c) => c.json({}))
  app.route('GET', '/oauth/jwks.json', { authority: openToAll })((c) =>
    c.json({}, 200, { 'Cache-Control': 'public, max-age=300' }),
  )
  app.route('GET', '/oauth/authorize', { authority: openToAll })((c) =>
    c.redirect('https://client.example/?code=1', 303),
  )
  app.route('GET', '/fails', { authority: openToAll })(() => {
    throw new Error('broken: hunter2')
  })
  app.route('GET', '/refuses', { authority: openToAll })((c) => {
    clearSessionCookies(c.var.call)
    throw new GatewayError('session_invalid', { reason: 'revoked' })
  })
  return app
}

describe('every answer', () => {
  test.each([
    [200, '/v1/auth/me'],
    [303, '/oauth/authorize'],
    [401, '/refuses'],
    [404, '/nowhere'],
    [500, '/fails'],
  ])('%i carries the security headers: %s', async (status, path) => {
    const response = await endpoint().request(path)
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringMatching(/^max-age=\d{8}/),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  test('keeps the cache rule and policy of an endpoint that has its own', async () => {
    const response = await endpoint().request('/oauth/jwks.json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    expect(response.headers.get('pragma')).toBeNull()
  })

  test.each([
    [UUID, UUID],
    [UUID.toUpperCase(), UUID],
    ['not-a-uuid', undefined],
    [`${UUID}\t`, UUID],
    [undefined, undefined],
  ])('answers X-Request-ID %s with it or a new one', async (given, expected) => {
    const response = await endpoint().request('/v1/auth/me', { headers: given ? { 'x-request-id': given } : {} })
    const answered = response.headers.get('x-request-id')
    if (expected) expect(answered).toBe(expected)
    else expect(answered).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  })
})

describe('routing', () => {
  test('200 under every mirror, with the canonical path', async () => {
    for (const path of ['/v1/auth/me', '/api/v1/auth/me', '//v1//auth/me/', '/api/v1/auth/me/']) {
      const response = await endpoint().fetch(new Request(`https://auth.example.com${path}`))
      expect(await response.json()).toMatchObject({ path: '/v1/auth/me' })
    }
  })

  test('404 ROUTE_NOT_FOUND for an unknown path', async () => {
    const response = await endpoint().request('/nowhere')
    expect(await response.json()).toEqual({ error: 'Not found', code: 'ROUTE_NOT_FOUND', message: 'Not found' })
  })

  test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('405 with Allow for %s', async (method) => {
    const response = await endpoint().request('/v1/auth/me', { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS')
    expect(await response.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' })
  })

  test('405 with Allow on pages too', async () => {
    const app = createApp('page', { errorPage })
    app.route('GET', '/page', { authority: openToAll })((c) => c.text('page'))
    const response = await app.request('/page', { method: 'PUT', headers: { accept: 'text/html' } })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(response.headers.get('content-type')).toMatch('text/html')
  })

  test('200 without a body for HEAD', async () => {
    const response = await endpoint().request('/v1/auth/me', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})

describe('a cross-origin call', () => {
  const from = (origin: string) => ({ origin, 'access-control-request-method': 'POST' })

  test('204 for a preflight, allowed only to trusted origins', async () => {
    for (const [origin, allowed] of [
      ['https://dashboard.lanonasis.com', 'https://dashboard.lanonasis.com'],
      ['https://evil.example', null],
    ] as const) {
      const response = await endpoint().request('/v1/auth/me', { method: 'OPTIONS', headers: from(origin) })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, allowed])
      expect(response.headers.get('vary')).toBe('Origin')
    }
  })

  test('refusals are readable too', async () => {
    const response = await endpoint().request('/refuses', { headers: from('https://dashboard.lanonasis.com') })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://dashboard.lanonasis.com')
  })

  test('OAuth 2.1 section 3.1: nothing at the authorization endpoint, OPTIONS is 405', async () => {
    const headers = from('https://dashboard.lanonasis.com')
    for (const method of ['GET', 'OPTIONS']) {
      const response = await endpoint().request('/oauth/authorize', { method, headers, redirect: 'manual' })
      expect(response.status).toBe(method === 'GET' ? 303 : 405)
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })
})

describe('the dialects', () => {
  test('401 keeps the cookies that the endpoint cleared', async () => {
    const response = await endpoint().request('/refuses')
    expect(response.headers.getSetCookie().some((cookie) => /^lanonasis_session=; Max-Age=0/.test(cookie))).toBe(true)
  })

  test('404 in the OAuth dialect has an error name', async () => {
    const response = await createApp('oauth').request('/oauth/nowhere')
    expect(await response.json()).toEqual({ error: 'invalid_request', error_description: 'Not found' })
  })

  test('a page answers browsers in HTML and programs in JSON', async () => {
    const app = createApp('page', { errorPage: (error, c) => c.html(`<h1>${error.code}</h1>`, 404) })
    const asBrowser = await app.request('/nowhere', { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect(await asBrowser.text()).toBe('<h1>ROUTE_NOT_FOUND</h1>')
    const asProgram = await app.request('/nowhere', { headers: { accept: 'application/json' } })
    expect(await asProgram.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' })
  })
})

describe('the caller', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['', null],
    ['unknown', null],
  ])('has the address the platform says: %s', async (ip, expected) => {
    const headers = { 'x-forwarded-for': '198.51.100.1', 'x-real-ip': '198.51.100.1' }
    const request = new Request('https://auth.example.com/v1/auth/me', { headers })
    const response = await serve(endpoint())(request, { ip } as never)
    expect(await response.json()).toMatchObject({ ip: expected })
  })

  test('may leave work behind; its failure is logged, not thrown', async () => {
    const app = createApp('api')
    app.route('GET', '/x', { authority: openToAll })((c) => {
      c.var.call.later(Promise.reject(new Error('late')))
      return c.json({})
    })
    const waited: Promise<unknown>[] = []
    const context = { ip: '', waitUntil: (work: Promise<unknown>) => waited.push(work) }
    await serve(app)(new Request('https://auth.example.com/x'), context as never)
    await Promise.all(waited)
    expect(lines.map(({ message }) => message)).toContain('background work failed')
  })
})

describe('the log', () => {
  test('has one line per request, without query, address or user agent', async () => {
    const headers = { 'user-agent': 'hunter2', 'x-request-id': UUID, authorization: 'Bearer hunter2' }
    const request = new Request('https://auth.example.com/v1/auth/me?token=hunter2', { headers })
    await serve(endpoint())(request, { ip: '203.0.113.7' } as never)
    expect(lines).toEqual([
      {
        time: expect.any(String),
        level: 'info',
        message: 'request',
        request_id: UUID,
        method: 'GET',
        route: '/v1/auth/me',
        status: 200,
        milliseconds: expect.any(Number),
      },
    ])
  })

  test('says why a request was refused, the answer does not', async () => {
    const response = await endpoint().request('/refuses')
    expect(await response.text()).not.toContain('revoked')
    expect(lines[0]).toMatchObject({ level: 'info', status: 401, refusal: 'session_invalid', reason: 'revoked' })
  })

  test('has the cause of a 500, the answer does not', async () => {
    const response = await endpoint().request('/fails')
    expect(await response.text()).not.toContain('hunter2')
    expect(lines[0]).toMatchObject({ level: 'error', status: 500, error: { message: 'broken: hunter2' } })
  })
})
