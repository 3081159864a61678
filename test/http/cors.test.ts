import { beforeAll, describe, expect, test } from 'vitest'
import type { Dialect } from '../../shared/errors.ts'
import { corsHeaders, corsPolicy, isTrustedOrigin } from '../../shared/http/cors.ts'

const PATTERNS = ['*.lanonasis.com', 'https://*.example.org', 'http://localhost:*', 'https://app.example.net:8443']

beforeAll(() => {
  process.env.DATABASE_URL = 'postgres://app@localhost/gateway'
})

const preflight = (origin: string) =>
  new Request('https://auth.example.com/', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  })
const simple = (origin?: string) => new Request('https://auth.example.com/', { headers: origin ? { origin } : {} })

describe('an origin', () => {
  test.each([
    'https://dashboard.lanonasis.com',
    'https://a.b.lanonasis.com',
    'https://api.lanonasis.com',
    'https://x.example.org',
    'http://localhost',
    'http://localhost:5173',
    'https://app.example.net:8443',
  ])('is trusted: %s', (origin) => {
    expect(isTrustedOrigin(origin, PATTERNS)).toBe(true)
  })

  test.each([
    'http://dashboard.lanonasis.com',
    'https://lanonasis.com.evil.example',
    'https://evillanonasis.com',
    'https://evil.example/.lanonasis.com',
    'https://evil.example#.lanonasis.com',
    'https://user@dashboard.lanonasis.com',
    'https://dashboard.lanonasis.com:8443',
    'https://dashboard.lanonasis.com/',
    'https://localhost:5173',
    'http://localhost.evil.example',
    'http://127.0.0.1:5173',
    'https://app.example.net',
    'null',
    '',
    '*',
  ])('is not trusted: %s', (origin) => {
    expect(isTrustedOrigin(origin, PATTERNS)).toBe(false)
  })
})

describe('the policy', () => {
  test.each<[string, Dialect, string]>([
    ['/oauth/authorize', 'oauth', 'none'],
    ['/oauth/consent', 'page', 'none'],
    ['/oauth/logout', 'oauth', 'none'],
    ['/web/login', 'page', 'none'],
    ['/.well-known/openid-configuration', 'oauth', 'public'],
    ['/oauth/jwks.json', 'oauth', 'public'],
    ['/health', 'api', 'public'],
    ['/oauth/token', 'oauth', 'open'],
    ['/oauth/revoke', 'oauth', 'open'],
    ['/oauth/par', 'oauth', 'open'],
    ['/oauth/device', 'oauth', 'open'],
    ['/oauth/userinfo', 'oauth', 'open'],
    ['/register', 'oauth', 'open'],
    ['/register/mcp_1', 'oauth', 'open'],
    ['/register/mcp_1/secret', 'oauth', 'open'],
    ['/oauth/introspect', 'oauth', 'trusted'],
    ['/oauth/device/decision', 'oauth', 'trusted'],
    ['/v1/auth/me', 'api', 'trusted'],
    ['/v1/auth/sessions', 'api', 'trusted'],
    ['/v1/auth/api-keys', 'api', 'trusted'],
    ['/v1/auth/otp/verify', 'api', 'trusted'],
  ])('of %s in the %s dialect is %s', (path, dialect, policy) => {
    expect(corsPolicy(path, dialect)).toBe(policy)
  })
})

describe('the headers', () => {
  const dashboard = 'https://dashboard.lanonasis.com'

  test('OAuth 2.1 section 3.1: none at the authorization endpoint', () => {
    expect(corsHeaders(simple(dashboard), '/oauth/authorize', 'oauth')).toEqual({})
    expect(corsHeaders(preflight(dashboard), '/oauth/authorize', 'page')).toEqual({})
  })

  test('public documents are readable by all, without credentials', () => {
    expect(corsHeaders(simple('https://anyone.example'), '/oauth/jwks.json', 'oauth')).toEqual({
      'Access-Control-Allow-Origin': '*',
    })
  })

  test('a trusted origin may send credentials and read our headers', () => {
    const headers = corsHeaders(simple(dashboard), '/v1/auth/me', 'api')
    expect(headers).toMatchObject({
      'Access-Control-Allow-Origin': dashboard,
      'Access-Control-Allow-Credentials': 'true',
      Vary: 'Origin',
    })
    for (const name of ['X-Request-ID', 'X-Auth-Source', 'X-Actor-Id', 'X-API-Key-Id', 'X-RateLimit-Reset']) {
      expect(headers['Access-Control-Expose-Headers']).toContain(name)
    }
  })

  test('a preflight of the dashboard gets PATCH and every header it sends', () => {
    const headers = corsHeaders(preflight(dashboard), '/v1/auth/me', 'api')
    expect(headers['Access-Control-Allow-Methods']).toBe('GET, POST, PUT, PATCH, DELETE, OPTIONS')
    const allowed = headers['Access-Control-Allow-Headers']?.split(', ')
    for (const name of ['X-Platform', 'X-API-Key', 'X-Auth-Method', 'X-CSRF-Token', 'X-Organization-ID']) {
      expect(allowed).toContain(name)
    }
    for (const name of ['Content-Type', 'Authorization', 'X-Request-ID', 'X-Project-Scope', 'X-Requested-With']) {
      expect(allowed).toContain(name)
    }
  })

  test.each([
    ['/v1/auth/me', 'api', dashboard],
    ['/oauth/token', 'oauth', 'https://spa.example'],
    ['/.well-known/openid-configuration', 'oauth', 'https://spa.example'],
  ] as const)('a preflight for %s allows what it asks for', (path, dialect, origin) => {
    const asked = preflight(origin)
    asked.headers.set('access-control-request-headers', 'content-type,x-vendor-trace, dpop, bad header,x:y')
    expect(corsHeaders(asked, path, dialect)['Access-Control-Allow-Headers']).toBe('content-type, x-vendor-trace, dpop')
  })

  test.each(['https://spa.example', 'http://127.0.0.1:5173', 'http://192.0.2.1', 'null'])(
    'any origin may call the token endpoint, without credentials: %s',
    (origin) => {
      const headers = corsHeaders(simple(origin), '/oauth/token', 'oauth')
      expect(headers).toEqual({
        Vary: 'Origin',
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Expose-Headers': headers['Access-Control-Expose-Headers'],
      })
      for (const name of ['WWW-Authenticate', 'DPoP-Nonce', 'Retry-After', 'X-Request-ID'])
        expect(headers['Access-Control-Expose-Headers']?.split(', ')).toContain(name)
    },
  )

  test('a trusted origin keeps its credentials there', () => {
    expect(corsHeaders(simple(dashboard), '/oauth/token', 'oauth')).toMatchObject({
      'Access-Control-Allow-Origin': dashboard,
      'Access-Control-Allow-Credentials': 'true',
    })
  })

  test('a client is managed from a browser with PUT and DELETE', () => {
    const headers = corsHeaders(preflight('https://spa.example'), '/register/mcp_1', 'oauth')
    expect(headers['Access-Control-Allow-Methods']).toBe('GET, POST, PUT, PATCH, DELETE, OPTIONS')
  })

  test('the OAuth family allows only its own methods', () => {
    const headers = corsHeaders(preflight(dashboard), '/oauth/token', 'oauth')
    expect(headers['Access-Control-Allow-Methods']).toBe('GET, POST, OPTIONS')
  })

  test.each(['https://evil.example', 'null', undefined])('nothing but Vary for %s', (origin) => {
    expect(corsHeaders(simple(origin), '/v1/auth/me', 'api')).toEqual({ Vary: 'Origin' })
  })
})
