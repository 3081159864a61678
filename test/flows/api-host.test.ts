import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAllRedirects } from '@netlify/redirect-parser'
import redirector from 'netlify-redirector'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMatcher, readRedirects } from '../../netlify/redirects.ts'
import { IDENTITY_HEADERS, ROUTED_HEADERS } from '../../shared/access/uai-headers.ts'
import { directSignIn, newKey } from '../support/api-keys.ts'
import { type Authority, openWorkshop } from '../support/certificates.ts'
import { useGateway } from '../support/gateway.ts'
import { API_HOST, AUTH_HOST, callTls, type Nginx, newProxySecret, startNginx, type TlsCall } from '../support/nginx.ts'
import { getTokens, signIn } from '../support/sign-in.ts'

const workshop = openWorkshop()
const forged = Object.fromEntries(IDENTITY_HEADERS.map((name) => [name.toLowerCase(), 'forged']))
const gateway = useGateway()
let api: Server
let nginx: Nginx
let trusted: Authority
/** What reached the API. */
const arrived: IncomingHttpHeaders[] = []

beforeAll(async () => {
  api = createServer((request, response) => {
    arrived.push(request.headers)
    response.end('from the API')
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  trusted = workshop.authority('servers')
  const names = [AUTH_HOST, API_HOST].map((host) => `DNS:${host}`)
  nginx = await startNginx({
    serverCertificate: trusted.issue('/CN=proxy', { names, usage: 'serverAuth' }),
    clientAuthority: workshop.authority('services'),
    gateway: { ports: [Number(new URL(gateway.url).port)], proxySecret: newProxySecret() },
    api: { port: (api.address() as AddressInfo).port },
  })
})
afterAll(async () => {
  await nginx?.stop()
  api?.close()
  workshop.remove()
})

const ask = (call: Partial<TlsCall>) => callTls(nginx.port, { host: API_HOST, ca: trusted.cert, ...call })

describe('the host of the API behind nginx (docs/wire-contract.md 1.0)', () => {
  test.each([
    ['GET', '/.well-known/onasis.json', 200],
    ['GET', '/.well-known/oauth-authorization-server', 200],
    ['GET', '/api/v1/auth/me', 401],
    ['POST', '/v1/auth/verify', 401],
    ['POST', '/oauth/token', 400],
    ['POST', '/api/v1/oauth/device', 400],
    ['GET', '/api/v1/api-keys', 401],
    ['GET', '/api/v1/auth/api-keys', 401],
    ['GET', '/api/v1/projects', 401],
    ['GET', '/auth/validate', 401],
  ])('%s %s is answered by the gateway', async (method, path, status) => {
    const answer = await ask({ method, path })
    expect(answer.headers['x-request-id']).toBeDefined()
    expect(answer.status).toBe(status)
  })

  test.each([
    ['/oauth/authorize?client_id=a%20b&state=1', 302, '/oauth/authorize?client_id=a%20b&state=1'],
    ['/api/v1/oauth/authorize?x=1', 302, '/oauth/authorize?x=1'],
    ['/oauth/device?code=ABCD', 302, '/oauth/device?code=ABCD'],
    ['/auth/cli-login?platform=cli', 302, '/auth/cli-login?platform=cli'],
    ['/api/cli-auth/login', 302, '/auth/cli-login'],
    ['/web/logout?return_to=x', 302, '/web/logout?return_to=x'],
    ['/auth/callback?code=1', 301, '/v1/auth/oauth/callback?code=1'],
  ])('%s takes people to the host they sign in on', async (path, status, to) => {
    const answer = await ask({ path })
    expect([answer.status, answer.headers.location]).toEqual([status, `https://${AUTH_HOST}${to}`])
  })

  test('200: everything else reaches the API with the verified caller, whatever headers the caller sends', async () => {
    const person = await signIn(gateway)
    const { access_token } = await getTokens(gateway, person, { client_id: 'auth-tester' })
    const answer = await ask({ path: '/memories', headers: { ...forged, authorization: `Bearer ${access_token}` } })
    expect(answer.text).toBe('from the API')
    expect(arrived.at(-1)).toMatchObject({
      'x-uai-auth-id': person.uai,
      'x-uai-email': person.email,
      'x-uai-auth-method': 'bearer_token',
      'x-uai-scope': 'openid profile email',
      'x-uai-client-id': 'auth-tester',
      'x-uai-audience': `https://api.lanonasis.com ${gateway.url}`,
      'x-project-scope': 'lanonasis-maas',
    })
    for (const name of [...ROUTED_HEADERS, 'X-UAI-Error', 'X-API-Key-Id'])
      expect([name, arrived.at(-1)?.[name.toLowerCase()]]).toEqual([name, undefined])
    expect(Object.values(arrived.at(-1) ?? {})).not.toContain('forged')
  })

  test('401 before the API for a token or a key that is for another one', async () => {
    const person = await signIn(gateway)
    const { access_token } = await getTokens(gateway, person, { resource: 'https://mcp.lanonasis.com/mcp' })
    const before = arrived.length
    expect((await ask({ path: '/memories', headers: { authorization: `Bearer ${access_token}` } })).status).toBe(401)
    const ada = await directSignIn(gateway)
    const binding = { audiences: ['https://mcp.lanonasis.com/mcp'] }
    const { key } = await newKey(gateway, ada, { binding })
    const headers = { 'x-api-key': key, 'x-lanonasis-audience': 'https://mcp.lanonasis.com/mcp' }
    expect((await ask({ path: '/memories', headers })).status).toBe(403)
    expect(arrived).toHaveLength(before)
    expect((await ask({ path: '/memories', headers: { authorization: `Bearer ${ada.token}` } })).status).toBe(200)
  })

  test('401 before the API for a caller without valid credentials', async () => {
    const before = arrived.length
    expect((await ask({ path: '/memories', headers: forged })).status).toBe(401)
    expect(arrived).toHaveLength(before)
  })
})

test('the rules for a Netlify site lead the same paths to where the gateway has them', async () => {
  const { redirects, errors } = await parseAllRedirects({
    redirectsFiles: [],
    netlifyConfigPath: 'deploy/netlify/api-host.toml',
    configRedirects: [],
    minimal: false,
  })
  expect(errors).toEqual([])
  const matcher = await redirector.parseJSON(JSON.stringify(redirects), { jwtSecret: '', jwtRoleClaim: '' })
  const target = (path: string) =>
    matcher.match({
      scheme: 'https',
      host: 'api.lanonasis.com',
      path,
      query: '',
      headers: {},
      cookieValues: {},
      getHeader: () => '',
      getCookie: () => '',
    })?.to ?? ''
  const route = createMatcher(readRedirects('netlify.toml'))
  const paths = [
    '/api/v1/auth/me',
    '/v1/auth/verify',
    '/oauth/token',
    '/api/v1/oauth/device',
    '/api/v1/api-keys/x/rotate',
  ]
  for (const path of [...paths, '/api/v1/projects', '/.well-known/onasis.json', '/register', '/auth/validate'])
    expect(target(path).replace(/\/$/, '')).toBe(`https://auth.lanonasis.com${path}`)
  for (const path of [...paths, '/oauth/authorize', '/web/logout', '/api/cli-auth/x', '/auth/callback'])
    expect(route(new URL(target(path)).pathname), path).not.toBe('not-found')
  expect(target('/api/v1/memories')).toBe('')
})
