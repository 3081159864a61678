import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients as clientCommand } from '../../scripts/clients.ts'
import { freePort } from '../../scripts/lib/ports.ts'
import { call as runCommand } from '../scripts/terminal.ts'
import { api } from '../support/api-keys.ts'
import { type Authority, type Certificate, openWorkshop } from '../support/certificates.ts'
import { addClient, eventsOf, useGateway } from '../support/gateway.ts'
import {
  AUTH_HOST,
  callTls,
  MTLS_HOST,
  type Nginx,
  newProxySecret,
  startNginx,
  type TlsCall,
} from '../support/nginx.ts'
import { sessionIdOf } from '../support/rows.ts'
import { type Service, startService } from '../support/services/process.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const API_HOST = 'api.internal.test'
const KEY_HOST = 'key-manager.internal.test'
const API = 'https://api.lanonasis.com'
const KEYS = `https://${KEY_HOST}`
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token'

const workshop = openWorkshop()
const services: Service[] = []
let nginx: Nginx
let servers: Authority
let clients: Authority
/** What api-gateway presents, and what another service of the same authority presents. */
let own: Certificate
let other: Certificate

const gatewayProxySecret = newProxySecret()
let tlsPort: number
beforeAll(async () => {
  tlsPort = await freePort()
})
afterAll(() => workshop.remove())
const gateway = useGateway(() => ({
  env: { MTLS_BASE_URL: `https://${MTLS_HOST}:${tlsPort}`, MTLS_PROXY_SECRET: gatewayProxySecret },
}))
beforeAll(async () => {
  servers = workshop.authority('servers')
  clients = workshop.authority('clients')
  own = clients.issue('/O=LanOnasis/CN=api-gateway')
  other = clients.issue('/O=LanOnasis/CN=reports')
  const [apiPort, keyPort] = [await freePort(), await freePort()]
  const [ofApi, ofKeys] = [newProxySecret(), newProxySecret()]
  await operator(
    ...['add', '--name', 'API gateway', '--client-id', 'api-gateway', '--first-party', '--grant-type', EXCHANGE],
    ...['--auth-method', 'tls_client_auth', '--tls-client-auth-subject-dn', 'CN=api-gateway,O=LanOnasis'],
    ...['--certificate-bound', '--scope', 'secrets:read secrets:write'],
    ...['--resource', API, '--exchange-resource', KEYS],
  )
  await addClient(gateway, 'vault-page', {
    token_endpoint_auth_method: 'none',
    scope: 'openid secrets:read memories:read',
    default_scope: 'secrets:read',
  })
  const names = [AUTH_HOST, MTLS_HOST, API_HOST, KEY_HOST].map((host) => `DNS:${host}`)
  const common = { ISSUER: gateway.url }
  const [running, ...started] = await Promise.all([
    startNginx({
      port: tlsPort,
      serverCertificate: servers.issue('/CN=proxy', { names, usage: 'serverAuth' }),
      clientAuthority: clients,
      gateway: { ports: [Number(new URL(gateway.url).port)], proxySecret: gatewayProxySecret },
      services: {
        [API_HOST]: { port: apiPort, proxySecret: ofApi },
        [KEY_HOST]: { port: keyPort, proxySecret: ofKeys },
      },
    }),
    startService('key-manager', { ...common, PORT: String(keyPort), AUDIENCE: KEYS, PROXY_SECRET: ofKeys }),
    startService('api-gateway', {
      ...common,
      PORT: String(apiPort),
      AUDIENCE: API,
      PROXY_SECRET: ofApi,
      TLS_PORT: String(tlsPort),
      MTLS_HOST,
      KEY_MANAGER_HOST: KEY_HOST,
      CA: servers.cert,
      CERT: own.cert,
      KEY: own.key,
    }),
  ])
  nginx = running
  services.push(...started)
})
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()))
  await nginx?.stop()
})

/** What an operator types after `npm run clients --`. */
async function operator(...args: string[]): Promise<void> {
  const { exitCode, err } = await runCommand(clientCommand, { ...process.env }, ...args)
  if (exitCode !== 0) throw new Error(err)
}

async function call(host: string, path: string, options: Partial<TlsCall> & { token?: string } = {}) {
  const { token, ...rest } = options
  const headers = token ? { authorization: `Bearer ${token}` } : undefined
  const answer = await callTls(nginx.port, { host, path, ca: servers.cert, headers, ...rest })
  return { ...answer, body: JSON.parse(answer.text) }
}

async function personWithToken(): Promise<{ person: SignedInBrowser; token: string }> {
  const person = await signIn(gateway)
  const page = { client_id: 'vault-page', redirect_uri: 'https://app.example/callback', scope: 'secrets:read' }
  return { person, token: (await getTokens(gateway, person, page)).access_token }
}

/** The exchange as api-gateway does it, so that its token can be shown elsewhere. */
const exchange = (token: string, certificate: Certificate | undefined = own, scope = 'secrets:read') =>
  call(MTLS_HOST, '/oauth/token', {
    method: 'POST',
    certificate,
    body: new URLSearchParams({
      grant_type: EXCHANGE,
      client_id: 'api-gateway',
      subject_token: token,
      subject_token_type: ACCESS,
      resource: KEYS,
      scope,
    }),
  })

const readSecret = (token: string, certificate?: Certificate) => call(KEY_HOST, '/secrets', { token, certificate })

test('200: a person’s request reaches key-manager through api-gateway, which acts for the person', async () => {
  const { person, token } = await personWithToken()
  const answer = await call(API_HOST, '/secrets', { token })
  expect([answer.status, answer.body]).toEqual([
    200,
    { secret: `the secret of ${person.uai}`, handed_to: 'api-gateway' },
  ])
  const [last] = (await eventsOf(gateway, 'token_family')).slice(-1)
  expect(last).toMatchObject({
    data: { kind: 'delegated', uai: person.uai, actor: { sub: 'api-gateway' } },
    metadata: { actorType: 'service', actor: 'api-gateway' },
  })
})

test('the token for key-manager is for it alone, acts, and is bound to the certificate (RFC 8705 section 3.1)', async () => {
  const { person, token } = await personWithToken()
  const { status, body } = await exchange(token)
  expect(status).toBe(200)
  expect(decodeJwt(body.access_token)).toMatchObject({
    sub: person.uai,
    client_id: 'api-gateway',
    aud: KEYS,
    scope: 'secrets:read',
    act: { sub: 'api-gateway' },
    cnf: { 'x5t#S256': own.thumbprint },
  })
  expect((await readSecret(body.access_token, own)).status).toBe(200)
})

describe('401 at key-manager', () => {
  let token: string
  beforeAll(async () => {
    token = (await exchange((await personWithToken()).token)).body.access_token
  })

  test('L2: for the same token over another certificate, of the same authority or of the same name', async () => {
    const namesake = workshop.selfSigned('/O=LanOnasis/CN=api-gateway')
    for (const certificate of [other, namesake]) {
      const { status, body, headers } = await readSecret(token, certificate)
      expect([status, body]).toEqual([401, { error: 'invalid_token' }])
      expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    }
  })

  test('L2: for the same token without a certificate', async () => {
    expect((await readSecret(token)).body).toEqual({ error: 'invalid_token' })
  })

  test('L4: for the same token with a made-up Client-Cert, through the proxy or past it', async () => {
    const der = own.cert.replace(/-----[A-Z ]+-----|\s/g, '')
    const forged = { authorization: `Bearer ${token}`, 'client-cert': `:${der}:`, 'client-cert-proof': 't=1' }
    expect((await call(KEY_HOST, '/secrets', { headers: forged })).status).toBe(401)
    expect((await call(KEY_HOST, '/secrets', { headers: forged, certificate: other })).status).toBe(401)
  })

  test('for the person’s own token, which is for another audience', async () => {
    const person = await personWithToken()
    expect((await readSecret(person.token, own)).status).toBe(401)
  })

  test('and no error code without any token', async () => {
    const { status, body, headers } = await call(KEY_HOST, '/secrets', { certificate: own })
    expect([status, body]).toEqual([401, {}])
    expect(headers['www-authenticate']).toMatch(/^Bearer, DPoP/)
  })
})

describe('elsewhere', () => {
  test('401 for the token of key-manager at api-gateway and at the gateway’s own endpoints', async () => {
    const { body } = await exchange((await personWithToken()).token)
    expect((await call(API_HOST, '/secrets', { token: body.access_token, certificate: own })).status).toBe(401)
    for (const path of ['/v1/auth/me', '/api/v1/api-keys'])
      expect((await call(MTLS_HOST, path, { token: body.access_token, certificate: own })).status).toBe(401)
  })

  test('401 at verify without the certificate, 200 with it', async () => {
    const { body } = await exchange((await personWithToken()).token)
    const verify = (certificate?: Certificate) =>
      call(MTLS_HOST, '/v1/auth/verify', { token: body.access_token, certificate })
    expect([(await verify(own)).status, (await verify(other)).status, (await verify()).status]).toEqual([200, 401, 401])
  })
})

describe('the exchange', () => {
  test('400 invalid_scope for more than the person’s token has, 403 at key-manager for what the new one lacks', async () => {
    const { token } = await personWithToken()
    const wider = await exchange(token, own, 'secrets:read secrets:write')
    expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope'])
    expect((await call(API_HOST, '/secrets?scope=secrets:write', { token })).body).toEqual({ error: 'invalid_scope' })
    const { body } = await exchange(token)
    const written = await call(KEY_HOST, '/secrets', { method: 'POST', token: body.access_token, certificate: own })
    expect([written.status, written.body.error]).toEqual([403, 'insufficient_scope'])
  })

  test('401 invalid_client with another certificate, a self-signed one of the same name, or none', async () => {
    const { token } = await personWithToken()
    for (const certificate of [other, workshop.selfSigned('/O=LanOnasis/CN=api-gateway')])
      expect((await exchange(token, certificate)).body.error).toBe('invalid_client')
    const form = { grant_type: EXCHANGE, client_id: 'api-gateway', subject_token: token, subject_token_type: ACCESS }
    const without = await call(MTLS_HOST, '/oauth/token', { method: 'POST', body: new URLSearchParams(form) })
    expect([without.status, without.body.error]).toEqual([401, 'invalid_client'])
  })

  test('401 invalid_client on the public host, whatever certificate is shown', async () => {
    const { token } = await personWithToken()
    const form = { grant_type: EXCHANGE, client_id: 'api-gateway', subject_token: token, subject_token_type: ACCESS }
    const body = new URLSearchParams(form)
    const answer = await call(AUTH_HOST, '/oauth/token', { method: 'POST', certificate: own, body })
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
  })
})

describe('revocation is seen by the next request', () => {
  test('of the person’s session', async () => {
    const { person, token } = await personWithToken()
    const { body } = await exchange(token)
    expect((await readSecret(body.access_token, own)).status).toBe(200)
    const session = await sessionIdOf(gateway, person.uai)
    const signedOut = await api(gateway, 'DELETE', `/v1/auth/sessions/${session}`, {
      headers: { cookie: `lanonasis_session=${person.browser.cookies.get('lanonasis_session')}` },
    })
    expect(signedOut.status).toBe(200)
    expect((await readSecret(body.access_token, own)).status).toBe(401)
    expect((await call(API_HOST, '/secrets', { token })).status).toBe(401)
  })

  test('of the client: suspended, and reinstated', async () => {
    const { token } = await personWithToken()
    const { body } = await exchange(token)
    await operator('suspend', 'api-gateway', '--reason', 'its key was copied')
    expect((await readSecret(body.access_token, own)).status).toBe(401)
    expect((await exchange(token)).body.error).toBe('invalid_client')
    expect(await call(API_HOST, '/secrets', { token })).toMatchObject({
      status: 502,
      body: { error: 'invalid_client' },
    })
    await operator('reinstate', 'api-gateway')
    expect((await readSecret(body.access_token, own)).status).toBe(200)
  })
})
