import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLoopback, matchesRedirectUri, redirectUriProblem } from '../../shared/oauth/clients/redirect-uri.ts'

const REGISTERED = [
  'https://app.example.com/cb',
  'https://app.example.com/cb?tenant=1',
  'http://127.0.0.1:8888/callback',
  'http://localhost:3000/callback',
  'http://[::1]/callback',
  'com.example.app:/callback',
  'vscode://lanonasis.mcp-client/callback',
]

describe('RFC 8252 section 7.3: loopback', () => {
  test.each([
    'http://127.0.0.1/callback',
    'http://127.0.0.1:1/callback',
    'http://127.0.0.1:65535/callback',
    'http://localhost:49152/callback',
    'http://localhost',
    'http://localhost?x=1',
    'http://[::1]:5000/',
  ])('true: %s', (uri) => {
    expect(isLoopback(uri)).toBe(true)
  })

  test.each([
    'https://127.0.0.1/callback',
    'HTTP://127.0.0.1/callback',
    'http://127.0.0.2/callback',
    'http://127.1/callback',
    'http://2130706433/callback',
    'http://0x7f000001/callback',
    'http://0177.0.0.1/callback',
    'http://0.0.0.0/callback',
    'http://[::ffff:127.0.0.1]/callback',
    'http://[0:0:0:0:0:0:0:1]/callback',
    'http://127.0.0.1.evil.example/callback',
    'http://localhost.evil.example/callback',
    'http://LOCALHOST/callback',
    'http://localhost.:3000/callback',
    'http://127.0.0.1@evil.example/callback',
    'http://127.0.0.1:80@evil.example/callback',
    'http://user@127.0.0.1/callback',
    'http://127.0.0.1:65536/callback',
    'http://127.0.0.1:999999/callback',
    'http://127.0.0.1:/callback',
    'http://127.0.0.1:-1/callback',
    'http://127.0.0.1\\@evil.example/callback',
    'http://127.0.0.1#callback',
    'http://127.0.0.1%2eevil.example/',
    ' http://127.0.0.1/callback',
    '',
  ])('false: %s', (uri) => {
    expect(isLoopback(uri)).toBe(false)
  })
})

describe('OAuth 2.1 section 2.3.1: exact match', () => {
  test.each([...REGISTERED, 'http://127.0.0.1:51004/callback', 'http://localhost/callback', 'http://[::1]:9/callback'])(
    'matches: %s',
    (uri) => {
      expect(matchesRedirectUri(REGISTERED, uri)).toBe(true)
    },
  )

  test.each([
    'https://app.example.com/cb/',
    'https://app.example.com/CB',
    'https://app.example.com/cb?',
    'https://app.example.com/cb?tenant=2',
    'https://app.example.com/cb#x',
    'https://app.example.com:443/cb',
    'https://app.example.com:8443/cb',
    'https://APP.example.com/cb',
    'http://app.example.com/cb',
    'https://app.example.com/cb/../cb',
    'https://app.example.com/%63b',
    'https://app.example.com.evil.example/cb',
    'https://evil.example/cb',
    'https://app.example.com@evil.example/cb',
    'https://app.example.com\\@evil.example/cb',
    '//app.example.com/cb',
    'http://127.0.0.1:8888/callback/',
    'http://127.0.0.1:8888/callback?x=1',
    'http://127.0.0.1:8888/other',
    'http://127.0.0.2:8888/callback',
    'https://127.0.0.1:8888/callback',
    'http://127.0.0.1:8888@evil.example/callback',
    'http://127.0.0.1:99999/callback',
    'com.example.app:/callback2',
    'com.example.app://callback',
    'vscode://lanonasis.mcp-client/callback/',
    'vscode://evil.mcp-client/callback',
    '',
  ])('does not match: %s', (uri) => {
    expect(matchesRedirectUri(REGISTERED, uri)).toBe(false)
  })

  test('does not match: one loopback spelling for another', () => {
    expect(matchesRedirectUri(['http://127.0.0.1:1/cb'], 'http://localhost:1/cb')).toBe(false)
    expect(matchesRedirectUri(['http://localhost:1/cb'], 'http://[::1]:1/cb')).toBe(false)
  })

  test.each([
    'https://app.example.com\\@evil.example/cb',
    'https://app.example.com/x/../cb',
    'https://2130706433/cb',
    'https:app.example.com/cb',
  ])('does not match, although it was registered before: %s', (uri) => {
    expect(matchesRedirectUri([uri], uri)).toBe(false)
  })

  test('does not match: anything where nothing is registered', () => {
    expect(matchesRedirectUri([], 'http://127.0.0.1/cb')).toBe(false)
  })
})

describe('registration', () => {
  test.each([...REGISTERED.slice(0, 6), 'https://app.example.com', 'com.example:/'])('allowed: %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeUndefined()
  })

  test.each([
    ['/callback', /absolute/],
    ['callback', /absolute/],
    ['//evil.example/cb', /absolute/],
    ['https://', /absolute/],
    ['https://a.example/cb#f', /fragment/],
    ['https://a.example/cb#', /fragment/],
    ['https://user@a.example/cb', /credentials/],
    ['https://user:secret@a.example/cb', /credentials/],
    ['javascript:alert(1)', /forbidden/],
    ['JavaScript:alert(1)', /forbidden/],
    ['data:text/html,x', /forbidden/],
    ['vbscript:x', /forbidden/],
    ['file:///etc/passwd', /forbidden/],
    ['blob:https://a.example/1', /forbidden/],
    ['http://a.example/cb', /loopback/],
    ['http://127.0.0.2/cb', /loopback/],
    ['http://[::ffff:127.0.0.1]/cb', /loopback/],
    ['http://2130706433/cb', /loopback/],
    ['myapp:/callback', /dot/],
    ['vscode://lanonasis.mcp-client/callback', /dot/],
    ['https://a.example/ cb', /space/],
    ['https://a.example/cb\n', /control/],
    ['https://a.example/cb\u0000', /control/],
    ['https://ä.example/cb', /non-ASCII/],
    ['https://a.example/\u202Ecb', /non-ASCII/],
    ['https://dashboard.lanonasis.com\\@evil.test/cb', /encode/],
    ['https://a.example\\.evil.test/cb', /encode/],
    ['https://a.example/cb?x={y}', /encode/],
    ['https://a.example/%zz', /encode/],
    ['https://@a.example/cb', /normalized form/],
    ['https:a.example/cb', /normalized form/],
    ['https:/a.example/cb', /normalized form/],
    ['https:///a.example/cb', /normalized form/],
    ['HTTPS://a.example/cb', /normalized form/],
    ['https://127.1/cb', /normalized form/],
    ['https://2130706433/cb', /normalized form/],
    ['https://0x7f000001/cb', /normalized form/],
    ['https://0177.0.0.1/cb', /normalized form/],
    ['https://[::FFFF:1.2.3.4]/cb', /normalized form/],
    ['https://a%2eexample/cb', /normalized form/],
    ['https://a.example./cb', /normalized form/],
    ['https://a..example/cb', /normalized form/],
    ['https://a.example:/cb', /normalized form/],
    ['https://a.example:0443/cb', /normalized form/],
    ['https://a.example/x/../cb', /normalized form/],
    ['https://a.example/./cb', /normalized form/],
    ['https://a.example/%2e%2e/cb', /normalized form/],
    ['https://a.example/.%2E/cb', /normalized form/],
    ['https://a.example/cb?list[]=1', /normalized form/],
    ['https://a.example/x%2e%2e%2fcb', /encoded dot/],
    ['https://a.example/x%5ccb', /encoded dot/],
    ['https://a.example/x%0d%0acb', /encoded dot/],
    ['com.example.app://user@host/cb', /credentials/],
    ['com.example.app://host/x/../cb', /normalized form/],
    ['com.example.app:\\\\host', /encode/],
    ['COM.example.app:/cb', /normalized form/],
  ])('refused: %j', (uri, why) => {
    expect(redirectUriProblem(uri)).toMatch(why)
  })

  test.each([
    'https://APP.example.com/cb',
    'https://app.example.com:443/cb',
    'https://app.example.com:8443/cb?next=%2Fhome&x=1;2',
    'https://app.example.com?x=1',
    'https://xn--bcher-kva.example/cb',
    'https://192.0.2.1/cb',
    'https://[2001:db8::1]:8443/cb',
    'https://app.example.com//cb/@x',
    'http://localhost:80/cb',
    'com.example.app:cb',
    'com.example.app:///cb',
  ])('allowed, since all parsers agree: %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeUndefined()
  })

  test('private-use schemes without a dot are allowed from a list, in one spelling, and never those that run code', () => {
    const uri = 'cursor://anysphere.cursor-mcp/oauth/callback'
    expect(redirectUriProblem(uri, ['vscode'])).toMatch(/dot/)
    expect(redirectUriProblem(uri, ['cursor'])).toBeUndefined()
    expect(redirectUriProblem('Cursor://anysphere.cursor-mcp/cb', ['cursor'])).toMatch(/normalized form/)
    expect(redirectUriProblem('javascript:alert(1)', ['javascript'])).toMatch(/forbidden/)
  })

  test('whatever is allowed has the same host, port, path and query for RFC 3986 and for WHATWG', () => {
    const piece = fc.constantFrom(
      ...[
        'https:',
        'http:',
        'com.example:',
        '/',
        '//',
        '\\',
        '@',
        ':',
        '.',
        '..',
        '%2e',
        '%2F',
        '%5c',
        '?',
        '#',
        '[',
        ']',
        '::1',
      ],
      ...[
        'a.example',
        'evil.test',
        '127.0.0.1',
        'localhost',
        '127.1',
        '0x7f',
        '80',
        '443',
        '08',
        'cb',
        'ä',
        ' ',
        '\t',
        '\n',
        ';',
        "'",
      ],
    )
    const uri = fc.array(piece, { minLength: 1, maxLength: 8 }).map((all) => all.join(''))
    const url = fc
      .tuple(fc.constantFrom('https://', 'http://localhost', 'com.example:/'), uri)
      .map((all) => all.join(''))
    let allowed = 0
    fc.assert(
      fc.property(url, (given) => {
        if (redirectUriProblem(given) !== undefined) return
        allowed += 1
        const read = new URL(given)
        const [, scheme, authority = '', path, query = ''] =
          /^([^:/?]+):(?:\/\/([^/?]*))?([^?]*)(\?.*)?$/.exec(given) ?? []
        const [, host, port = ''] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? []
        const expected = { https: '443', http: '80' }[scheme ?? ''] === port ? '' : port
        expect({ host: read.hostname, port: read.port, username: read.username }).toEqual({
          host,
          port: expected,
          username: '',
        })
        expect(read.href.endsWith(`${path || (scheme === 'com.example' ? '' : '/')}${query}`)).toBe(true)
      }),
      { numRuns: 20_000 },
    )
    expect(allowed).toBeGreaterThan(100)
  })
})
