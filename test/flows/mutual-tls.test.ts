import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RunningServer } from '../../netlify/listen.ts'
import { openToAll } from '../../shared/http/route.ts'
import { type Authority, type Certificate, openWorkshop } from '../support/certificates.ts'
import {
  AUTH_HOST,
  callTls,
  MTLS_HOST,
  type Nginx,
  newProxySecret,
  startNginx,
  type TlsCall,
} from '../support/nginx.ts'

const SECRET = newProxySecret()
const OTHER_SERVICE = 'other.internal.test'
const DAY = 86_400_000

const workshop = openWorkshop()
let server: RunningServer
let nginx: Nginx
let services: Authority
let trusted: Authority
let known: Certificate
/** What reached the gateway, newest last. */
const arrived: { url: string; headers: IncomingHttpHeaders }[] = []

beforeAll(async () => {
  Object.assign(process.env, {
    DATABASE_URL: 'postgres://app@localhost/gateway',
    LOG_LEVEL: 'silent',
    CLIENT_IP_HEADER: 'x-real-ip',
  })
  const { createServer } = await import('../../netlify/listen.ts')
  const { createApp } = await import('../../shared/http/app.ts')
  const { readClientCertificate } = await import('../../shared/http/client-certificate.ts')
  const { serve } = await import('../../shared/http/serve.ts')
  const app = createApp('api')
  app.route('ALL', '*', { authority: openToAll })(async (c) => {
    arrived.push({ url: c.req.url, headers: c.req.header() })
    const found = readClientCertificate(c.req, SECRET)
    const certificate = found && { thumbprint: found.thumbprint, chainVerified: found.chainVerified }
    return c.json({ certificate: certificate ?? null, ip: c.var.call.request.clientIp, body: await c.req.text() })
  })
  const functions = new Map([['seen', serve(app)]])
  server = await createServer({ port: 0, redirects: [{ from: '/*', functionName: 'seen' }], functions })

  trusted = workshop.authority('servers')
  services = workshop.authority('services')
  const names = [AUTH_HOST, MTLS_HOST, OTHER_SERVICE].map((host) => `DNS:${host}`)
  nginx = await startNginx({
    serverCertificate: trusted.issue('/CN=proxy', { names, usage: 'serverAuth' }),
    clientAuthority: services,
    gateway: { ports: [server.port], proxySecret: SECRET },
    services: { [OTHER_SERVICE]: { port: server.port, proxySecret: newProxySecret() } },
  })
  known = services.issue('/O=LanOnasis/CN=api-gateway')
})
afterAll(async () => {
  await nginx?.stop()
  await server?.close()
  workshop.remove()
})
beforeEach(() => arrived.splice(0))

async function ask(call: Partial<TlsCall>) {
  const answer = await callTls(nginx.port, { host: MTLS_HOST, path: '/oauth/token', ca: trusted.cert, ...call })
  return { ...answer, body: answer.headers['content-type']?.includes('json') ? JSON.parse(answer.text) : undefined }
}

/** The headers with which the proxy vouched for the last request. */
function vouched(): Record<string, string> {
  const headers = arrived.at(-1)?.headers
  return {
    'client-cert': String(headers?.['client-cert']),
    'client-cert-proof': String(headers?.['client-cert-proof']),
  }
}

test.each([
  ['/oauth/token', 70_000, false],
  ['/oauth/token', 1000, true],
  ['/api/v1/services/search/find', 1_000_000, true],
  ['/webhook/search', 1_000_000, true],
  ['/api/v1/chat/completions', 1_000_000, true],
  ['/api/v1/services/search/find', 7_000_000, false],
])('a body for %s of %i bytes reaches the gateway: %s; others are refused in JSON', async (path, length, passes) => {
  const answer = await ask({ host: AUTH_HOST, method: 'POST', path, body: 'x'.repeat(length) })
  expect(answer.headers['x-request-id'] !== undefined).toBe(passes)
  if (!passes) expect([answer.status, answer.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
})

describe('L3, L6: through nginx with the shipped configuration', () => {
  test('a certificate of our authority arrives, its chain verified', async () => {
    const { body } = await ask({ certificate: known, method: 'POST', body: 'a=b', path: '/oauth/token?x=%20y' })
    expect(body.certificate).toEqual({ thumbprint: known.thumbprint, chainVerified: true })
    expect(body.body).toBe('a=b')
  })

  test('a chain with an intermediate authority arrives as well', async () => {
    const chain = { key: known.key, cert: `${known.cert}${services.cert}` }
    const { body } = await ask({ certificate: chain })
    expect(body.certificate).toEqual({ thumbprint: known.thumbprint, chainVerified: true })
  })

  test('a self-signed certificate arrives, its chain not verified', async () => {
    const own = workshop.selfSigned('/O=LanOnasis/CN=api-gateway')
    expect((await ask({ certificate: own })).body.certificate).toEqual({
      thumbprint: own.thumbprint,
      chainVerified: false,
    })
  })

  test('a certificate of an unknown authority arrives, its chain not verified', async () => {
    const stranger = workshop.authority('strangers').issue('/O=LanOnasis/CN=api-gateway')
    expect((await ask({ certificate: stranger })).body.certificate).toEqual({
      thumbprint: stranger.thumbprint,
      chainVerified: false,
    })
  })

  test('is absent when the address was rewritten on the way', async () => {
    for (const path of ['/oauth/x/../token', '/oauth/token?x="']) {
      expect((await ask({ certificate: known, path })).body.certificate).toBeNull()
    }
  })

  test('is absent when the caller presents none', async () => {
    expect((await ask({})).body.certificate).toBeNull()
  })

  test.each([
    [
      'expired',
      () => services.issue('/CN=late', { from: new Date(Date.now() - 2 * DAY), to: new Date(Date.now() - DAY) }),
    ],
    ['not yet valid', () => services.issue('/CN=early', { from: new Date(Date.now() + DAY) })],
    ['made for servers', () => services.issue('/CN=server', { usage: 'serverAuth' })],
  ])('401 invalid_client for a certificate that is %s, before the gateway hears of it', async (_, make) => {
    const { status, body } = await ask({ certificate: make() })
    expect(status).toBe(401)
    expect(body).toMatchObject({ error: 'invalid_client' })
    expect(arrived).toEqual([])
  })
})

test('401 invalid_client for a certificate that was revoked', async () => {
  const revoked = services.issue('/O=LanOnasis/CN=api-gateway')
  const strict = await startNginx({
    serverCertificate: trusted.issue('/CN=proxy', { names: [`DNS:${MTLS_HOST}`], usage: 'serverAuth' }),
    clientAuthority: services,
    gateway: { ports: [server.port], proxySecret: SECRET },
    revocationList: services.revoke(revoked),
  })
  const statuses = []
  for (const certificate of [known, revoked, undefined])
    statuses.push((await callTls(strict.port, { host: MTLS_HOST, ca: trusted.cert, certificate })).status)
  await strict.stop()
  expect(statuses).toEqual([200, 401, 200])
})

describe('L4, A44: a header from outside', () => {
  test('is dropped, on the host for certificates and on the public one', async () => {
    await ask({ certificate: known })
    const forged = { ...vouched(), 'client-cert-chain': 'x', 'x-ssl-client-cert': 'x', forwarded: 'for=10.9.9.9' }
    for (const host of [MTLS_HOST, AUTH_HOST]) {
      const { body } = await ask({ host, headers: forged })
      expect(body.certificate).toBeNull()
      const names = ['client-cert', 'client-cert-proof', 'client-cert-chain', 'x-ssl-client-cert', 'forwarded']
      expect(names.filter((name) => name in (arrived.at(-1)?.headers ?? {}))).toEqual([])
    }
  })

  test('does not replace the certificate of the connection', async () => {
    await ask({ certificate: known })
    const other = services.issue('/CN=other')
    const { body } = await ask({ certificate: other, headers: vouched() })
    expect(body.certificate.thumbprint).toBe(other.thumbprint)
  })

  test('does not change the address of the caller', async () => {
    const headers = { 'x-real-ip': '10.9.9.9', 'x-forwarded-for': '10.9.9.9', 'x-forwarded-host': 'evil.example' }
    const { body } = await ask({ host: AUTH_HOST, headers })
    expect(body.ip).toBe('127.0.0.1')
    expect(arrived.at(-1)?.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' })
    expect(arrived.at(-1)?.headers).not.toHaveProperty('x-forwarded-host')
  })

  test('has no effect at the gateway itself without a proof', async () => {
    await ask({ certificate: known })
    const headers = { 'client-cert': vouched()['client-cert'] ?? '' }
    const response = await fetch(`${server.url}/oauth/token`, { headers })
    expect(await response.json()).toMatchObject({ certificate: null })
  })
})

describe('L4: a captured proof', () => {
  const replay = async (path: string, init: RequestInit = {}) =>
    (await (await fetch(`${server.url}${path}`, { headers: vouched(), ...init })).json()).certificate

  test('is valid for no other method, path or query', async () => {
    await ask({ certificate: known })
    expect(await replay('/oauth/token')).toMatchObject({ thumbprint: known.thumbprint })
    expect(await replay('/oauth/token', { method: 'POST' })).toBeNull()
    expect(await replay('/oauth/introspect')).toBeNull()
    expect(await replay('/oauth/token?x=y')).toBeNull()
  })

  test('of another service behind the same proxy is not valid here', async () => {
    const { body } = await ask({ host: OTHER_SERVICE, certificate: known })
    expect(vouched()['client-cert-proof']).toMatch(/^t=\d+, verify="SUCCESS", mac=/)
    expect(body.certificate).toBeNull()
  })

  test('is too old after 31 seconds', async () => {
    const { clientCertificateOf } = await import('../../packages/auth-server/src/client-certificate.ts')
    await ask({ certificate: known })
    const { 'client-cert': clientCert, 'client-cert-proof': proof } = vouched()
    const read = (now: number) =>
      clientCertificateOf({ method: 'GET', uri: '/oauth/token', clientCert, proof }, SECRET, new Date(now))
    expect(read(Date.now() + 28_000)).toBeDefined()
    expect(read(Date.now() + 31_000)).toBeUndefined()
  })
})

describe('the servers of the proxy', () => {
  test('request no certificate on the public host, and use none that was sent under another name', async () => {
    expect((await ask({ host: AUTH_HOST, certificate: known })).body.certificate).toBeNull()
    expect((await ask({ host: AUTH_HOST, serverName: MTLS_HOST, certificate: known })).body.certificate).toBeNull()
  })

  test('421 for the host with certificates over a connection of the public one', async () => {
    expect((await ask({ host: MTLS_HOST, serverName: AUTH_HOST, certificate: known })).status).toBe(421)
  })

  test('give unknown host names no handshake', async () => {
    await expect(ask({ host: 'evil.example' })).rejects.toThrow(/alert/)
  })

  test('308 from http to https', async () => {
    const response = await fetch(`http://127.0.0.1:${nginx.httpPort}/oauth/authorize?a=b`, {
      redirect: 'manual',
    })
    expect(response.status).toBe(308)
    expect(response.headers.get('location')).toBe(`https://${AUTH_HOST}/oauth/authorize?a=b`)
  })
})

test('the access log holds no query, and the request id of the gateway', async () => {
  const { headers } = await ask({ host: AUTH_HOST, path: '/oauth/authorize?login_hint=ada@example.com&code=hunter2' })
  await expect.poll(() => nginx.accessLog()).toContain(String(headers['x-request-id']))
  const line = nginx.accessLog().trim().split('\n').at(-1) ?? ''
  expect(JSON.parse(line)).toMatchObject({ host: AUTH_HOST, path: '/oauth/authorize', status: expect.any(Number) })
  expect(nginx.accessLog()).not.toMatch(/hunter2|ada@/)
})
