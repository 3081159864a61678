import { describe, expect, test } from 'vitest'
import { projectScope } from '../../shared/access/project-scope.ts'
import { safeReturnTo } from '../../shared/access/return-to.ts'
import type { Config } from '../../shared/config.ts'

const config = {
  AUTH_BASE_URL: 'https://auth.lanonasis.com',
  DASHBOARD_URL: 'https://dashboard.lanonasis.com',
  COOKIE_DOMAIN: '.lanonasis.com',
} as Config
const hostOnly = { ...config, COOKIE_DOMAIN: undefined } as Config

describe('return address', () => {
  test.each([
    '/',
    '/oauth/authorize?client_id=x&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb',
    '/a//b',
    '/@evil.example',
    'https://auth.lanonasis.com/x',
    'https://dashboard.lanonasis.com/dashboard',
    'https://lanonasis.com/',
    'https://a.b.lanonasis.com/x?y=1#z',
  ])('allowed: %s', (given) => {
    expect(safeReturnTo(config, given)).toBe(given)
  })

  test.each([
    undefined,
    '',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '/ /evil.example',
    '/\u0000/evil.example',
    '/\u2028evil.example',
    'evil.example',
    'https://evil.example',
    'https://lanonasis.com.evil.example',
    'https://auth.lanonasis.com.evil.example',
    'https://evillanonasis.com',
    'https://lanonasis.com@evil.example',
    'https://lanonasis.com:x@evil.example',
    'https://evil@auth.lanonasis.com',
    'https://evil.example#lanonasis.com',
    'https://evil.example/.lanonasis.com',
    'https://evil.example\\.lanonasis.com',
    'https:evil.example',
    'https:/evil.example',
    'http://a.lanonasis.com/',
    'http://auth.lanonasis.com/',
    'https://a.lanonasis.com:8443/',
    'ftp://a.lanonasis.com/',
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'javascript://auth.lanonasis.com/%0aalert(1)',
    'data:text/html,x',
    'vscode://lanonasis.com/',
    'blob:https://auth.lanonasis.com/1',
    '%2F%2Fevil.example',
    'https://lanonasis.com./x',
  ])('undefined: %j', (given) => {
    expect(safeReturnTo(config, given)).toBeUndefined()
  })

  test('undefined: a sibling host where cookies are for the gateway’s host alone', () => {
    expect(safeReturnTo(hostOnly, 'https://a.lanonasis.com/')).toBeUndefined()
    expect(safeReturnTo(hostOnly, 'https://auth.lanonasis.com/x')).toBe('https://auth.lanonasis.com/x')
    expect(safeReturnTo(hostOnly, 'https://dashboard.lanonasis.com/')).toBe('https://dashboard.lanonasis.com/')
  })

  test('allowed: what remains after the URL is read, not what was written', () => {
    expect(safeReturnTo(config, 'HTTPS://AUTH.lanonasis.com:443/a/../b')).toBe('https://auth.lanonasis.com/b')
  })
})

describe('project scope', () => {
  test.each(['lanonasis-maas', 'maas', 'mcp', 'cli', 'dashboard', 'app_maas_dashboard', 'app_x', 'app_my_app_2'])(
    'kept: %s',
    (scope) => {
      expect(projectScope(scope)).toBe(scope)
    },
  )

  test.each([
    undefined,
    '',
    'MCP',
    'app_',
    'app_X',
    'app_a-b',
    `app_${'a'.repeat(41)}`,
    'app_a\n',
    'mcp\r\nX-Evil: 1',
    'admin',
  ])('the default one: %j', (scope) => {
    expect(projectScope(scope)).toBe('lanonasis-maas')
  })
})
