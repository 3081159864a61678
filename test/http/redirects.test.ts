import { parseAllRedirects } from '@netlify/redirect-parser'
import redirector from 'netlify-redirector'
import { describe, expect, test } from 'vitest'
import { createMatcher, readRedirects } from '../../netlify/redirects.ts'
import { canonicalPath } from '../../shared/http/canonical-path.ts'

const file = new URL('../../netlify.toml', import.meta.url)
const redirects = readRedirects(file)
const match = createMatcher(redirects)

const ODD = ['//oauth/token', '/oauth/%74oken', '/v1/auth/otp/a%2Fb', '/oauth/token.json', '/web/../oauth/token']

async function netlifyMatcher(): Promise<(path: string) => string | undefined> {
  const { redirects: parsed, errors } = await parseAllRedirects({
    redirectsFiles: [],
    netlifyConfigPath: file.pathname,
    configRedirects: [],
    minimal: false,
  })
  expect(errors).toEqual([])
  const matcher = await redirector.parseJSON(JSON.stringify(parsed), { jwtSecret: '', jwtRoleClaim: '' })
  return (path) => {
    const found = matcher.match({
      scheme: 'https',
      host: 'auth.example.com',
      path,
      query: '',
      headers: {},
      cookieValues: {},
      getHeader: () => '',
      getCookie: () => '',
    })
    return /[^/]+$/.exec(found?.to?.split('?')[0] ?? '')?.[0]
  }
}

const examples = (from: string): string[] => {
  if (!from.endsWith('/*')) return [from, `${from}/`, `${from}/below`, `${from}x`, from.toUpperCase()]
  const base = from.slice(0, -2)
  return [base || '/', `${base}/`, `${base}/one`, `${base}/one/two`, `${base || '/'}x`]
}

describe('the redirect table', () => {
  test('is matched as Netlify matches it, rule by rule', async () => {
    const expected = await netlifyMatcher()
    for (const path of [...ODD, ...redirects.flatMap(({ from }) => examples(from))]) {
      expect(`${path} → ${match(path)}`).toBe(`${path} → ${expected(path)}`)
    }
  })

  test.each([
    ['/oauth/token', 'oauth-token'],
    ['/api/v1/oauth/token', 'oauth-token'],
    ['/.well-known/openid-configuration', 'discovery'],
    ['/.well-known/oauth-authorization-server/tenant', 'discovery'],
    ['/otp/send', 'otp'],
    ['/api/v1/auth/otp/verify', 'otp'],
    ['/v1/auth/session', 'session'],
    ['/v1/auth/session/check', 'session'],
    ['/v1/auth/resolve/debug', 'resolve'],
    ['/v1/auth/verify-token', 'verify'],
    ['/web/login', 'web'],
    ['/api/v1/health', 'health'],
    ['/nowhere', 'not-found'],
  ])('%s goes to %s', (path, functionName) => {
    expect(match(path)).toBe(functionName)
  })
})

describe('the canonical path', () => {
  test.each([
    ['/api/v1/oauth/token', '/oauth/token'],
    ['/api/v1/auth/me', '/v1/auth/me'],
    ['/api/v1/health', '/health'],
    ['/otp/send', '/v1/auth/otp/send'],
    ['/otp', '/v1/auth/otp'],
    ['//oauth///token/', '/oauth/token'],
    ['/', '/'],
    ['//', '/'],
    ['/otpx/send', '/otpx/send'],
    ['/api/v1/oauthx', '/api/v1/oauthx'],
    ['/oauth/token', '/oauth/token'],
  ])('of %s is %s', (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical)
  })
})
