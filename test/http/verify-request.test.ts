import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createVerifier, RequestRefused, type VerifierOptions } from '@lanonasis/auth-server'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { rememberProofs } from '../../packages/auth-server/src/check-holder.ts'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { type Authority, type Certificate, openWorkshop } from '../support/certificates.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { callTls, newProxySecret } from '../support/nginx.ts'
import { dpopProof, newSigningKey, type SigningKey } from '../support/proofs.ts'
import { proxied } from '../support/proxied.ts'
import { post } from '../support/sign-in.ts'

const API = 'https://api.lanonasis.com'
const SECRET = 'a secret: +%'
const GATEWAY_SECRET = newProxySecret()
const SERVICE_SECRET = newProxySecret()

const workshop = openWorkshop()
let authority: Authority
let certificate: Certificate
const gateway = useGateway({ env: { MTLS_PROXY_SECRET: GATEWAY_SECRET } })
let ada: DirectSignIn
let key: SigningKey
beforeAll(async () => {
  authority = workshop.authority('services')
  certificate = authority.issue('/O=LanOnasis/CN=reports')
  const service = {
    token_endpoint_auth_method: 'client_secret_post' as const,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'memories:read memories:write',
    default_scope: 'memories:read',
  }
  await addClient(gateway, 'worker', service)
  await addClient(gateway, 'reports', {
    ...service,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=reports,O=LanOnasis',
    tls_client_certificate_bound_access_tokens: true,
  })
  ada = await directSignIn(gateway)
  key = await newSigningKey()
})
afterAll(async () => {
  workshop.remove()
})

const verifier = (changes: Partial<VerifierOptions> = {}) =>
  createVerifier({ issuer: gateway.url, audience: API, ...changes })
const request = (headers: Record<string, string>, path = '/memories?limit=1', method = 'GET') =>
  new Request(`http://behind-a-proxy.internal${path}`, { method, headers })
const bearer = (token: string) => request({ authorization: `Bearer ${token}` })

/** What a check is refused with. */
async function refusal(work: Promise<unknown>) {
  const outcome = await work.then(
    (caller) => ({ accepted: caller }),
    (error: unknown) => error,
  )
  if (!(outcome instanceof RequestRefused)) throw new Error(`not refused: ${JSON.stringify(outcome)} ${outcome}`)
  const { status, code, headers, message } = outcome
  return { status, code, challenge: headers['WWW-Authenticate'], message }
}

async function serviceToken(fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const form = { grant_type: 'client_credentials', client_id: 'worker', client_secret: SECRET, ...fields }
  const { status, body } = await post(gateway, '/oauth/token', form, headers)
  if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
  return body.access_token as string
}

const boundToKey = async () =>
  serviceToken({}, { dpop: await dpopProof(key, { htm: 'POST', htu: `${gateway.url}/oauth/token` }) })

async function boundToCertificate() {
  const form = { grant_type: 'client_credentials', client_id: 'reports' }
  const headers = proxied(GATEWAY_SECRET, { uri: '/oauth/token', cert: certificate.cert })
  return (await post(gateway, '/oauth/token', form, headers)).body.access_token as string
}

async function listen<S extends Server>(server: S): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** A service that answers with what it found out. */
const answering =
  (verify: ReturnType<typeof createVerifier>): RequestListener =>
  (incoming, response) => {
    verify(incoming).then(
      (caller) => response.end(JSON.stringify(caller)),
      (error: RequestRefused) => response.writeHead(error.status, error.headers).end(JSON.stringify(error.message)),
    )
  }

describe('a caller', () => {
  test('is the person behind a token', async () => {
    const caller = await verifier()(bearer(ada.token), { scope: 'memories:read' })
    expect(caller).toMatchObject({ kind: 'person', sub: ada.uai, client_id: 'lanonasis-cli' })
    expect(caller.scope).toContain('memories:read')
    expect(caller.organization_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(caller.expiresAt?.getTime()).toBeGreaterThan(Date.now())
  })

  test('is the service behind a token, online and offline alike', async () => {
    const token = await serviceToken()
    const online = await verifier()(bearer(token))
    expect(online).toMatchObject({ kind: 'service', sub: 'worker', client_id: 'worker', scope: ['memories:read'] })
    expect(await verifier({ mode: 'offline' })(bearer(token))).toEqual(online)
  })

  test('is found in a request of Node as well', async () => {
    const port = await listen(createHttpServer(answering(verifier())))
    const headers = { authorization: `bearer ${ada.token}` }
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers })
    expect(await answer.json()).toMatchObject({ sub: ada.uai })
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(401)
  })

  test.each([
    ['X-API-Key', (key: string) => ({ 'x-api-key': key })],
    ['ApiKey', (key: string) => ({ authorization: `ApiKey ${key}` })],
    ['Bearer', (key: string) => ({ authorization: `Bearer ${key}` })],
    ['no scheme', (key: string) => ({ authorization: key })],
  ])('is the owner of an API key that comes as %s', async (_, headers) => {
    const made = await newKey(gateway, ada, { scopes: ['memories:read'] })
    expect(await verifier()(request(headers(made.key)), { scope: 'memories:read' })).toMatchObject({
      kind: 'person',
      sub: ada.uai,
      scope: ['memories:read'],
      api_key_id: made.id,
    })
  })
})

describe('A36: refusals', () => {
  test('401 without an error code when there are no credentials', async () => {
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { cookie: 'lanonasis_session=x' }] as object[]) {
      const answer = await refusal(verifier()(request(headers as Record<string, string>)))
      expect(answer).toMatchObject({ status: 401, code: undefined })
      expect(answer.challenge).toMatch(/^Bearer, DPoP algs="ES256 /)
    }
    expect(await refusal(verifier()(request({}, `/memories?access_token=${ada.token}`)))).toMatchObject({ status: 401 })
  })

  test.each(['Bearer', 'Bearer a b', 'DPoP ', 'Bearer a, Bearer b'])('400 invalid_request for "%s"', async (value) => {
    expect(await refusal(verifier()(request({ authorization: value })))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
  })

  test('401 invalid_token for what is no access token for this service', async () => {
    const { gateway: inside } = gateway
    const claims = { sub: 'worker', client_id: 'worker', aud: API, jti: 'x', scope: 'memories:read' }
    const now = Math.floor(Date.now() / 1000)
    const times = { iat: now, exp: now + 60 }
    const forged = new SignJWT({ ...claims, ...times, iss: gateway.url })
    const wrong = {
      junk: 'junk',
      'three parts': 'a.b.c',
      unsigned: `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.e30.`,
      'a refresh token': ada.refreshToken,
      'an ID token': await inside.jwts.idToken({ ...claims, ...times }),
      'a signed introspection': await inside.jwts.introspection({ ...claims, ...times }),
      'another issuer': await inside.jwts.accessToken({ ...claims, ...times, iss: 'https://elsewhere.example' }),
      'another audience': await inside.jwts.accessToken({ ...claims, ...times, aud: 'https://mcp.lanonasis.com/mcp' }),
      expired: await inside.jwts.accessToken({ ...claims, iat: now - 120, exp: now - 60 }),
      'no client': await inside.jwts.accessToken({ ...claims, ...times, client_id: undefined }),
      'another signature': `${ada.token.slice(0, -8)}AAAAAAAA`,
      'a key of its own': await forged
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', jwk: key.jwk })
        .sign(key.privateKey),
    }
    for (const mode of ['online', 'offline'] as const)
      for (const [name, token] of Object.entries(wrong)) {
        const answer = await refusal(verifier({ mode })(bearer(token)))
        expect([name, answer.status, answer.code, answer.challenge]).toEqual([
          name,
          401,
          'invalid_token',
          'Bearer error="invalid_token"',
        ])
      }
    expect(await refusal(verifier({ issuer: `${gateway.url}/` })(bearer('x')))).toMatchObject({ status: 401 })
  })

  test('403 insufficient_scope, with the scope that is needed', async () => {
    const token = await serviceToken()
    expect(await refusal(verifier()(bearer(token), { scope: 'memories:read memories:write' }))).toEqual({
      status: 403,
      code: 'insufficient_scope',
      message: 'This needs the scope memories:read memories:write.',
      challenge: 'Bearer error="insufficient_scope", scope="memories:read memories:write"',
    })
    const { key: apiKey } = await newKey(gateway, ada, { scopes: ['memories:read'] })
    const answer = await refusal(verifier()(request({ 'x-api-key': apiKey }), { scope: 'memories:*' }))
    expect(answer).toMatchObject({ status: 403, code: 'insufficient_scope' })
  })

  test('503, and no verdict, when the gateway or its keys cannot be reached', async () => {
    const down = () => Promise.reject(new TypeError('fetch failed'))
    const broken = async () => new Response('{"valid":true}', { status: 500 })
    const empty = async (input: RequestInfo | URL, init?: RequestInit) =>
      String(input).endsWith('jwks.json') ? fetch(input, init) : new Response('{}')
    for (const answering of [down, broken, empty]) {
      const answer = await refusal(verifier({ fetch: answering })(bearer(ada.token)))
      expect(answer).toMatchObject({ status: 503, code: 'temporarily_unavailable', challenge: undefined })
    }
  })
})

test('a verifier is not made of what could not work', () => {
  for (const wrong of [{ proxySecret: '' }, { proxySecret: 'c2hvcnQ=' }, { audience: 'key-manager' }])
    expect(() => verifier(wrong)).toThrow(TypeError)
  expect(() => verifier({ audience: 'key-manager', baseUrl: 'https://key-manager.internal' })).not.toThrow()
})

describe('what was revoked', () => {
  test('401 by the next request for a token; offline not before it expires', async () => {
    const person = await directSignIn(gateway)
    const verify = verifier()
    expect(await verify(bearer(person.token))).toMatchObject({ sub: person.uai })
    await api(gateway, 'POST', '/v1/auth/logout', { token: person.token })
    expect(await refusal(verify(bearer(person.token)))).toMatchObject({ status: 401, code: 'invalid_token' })
    expect(await verifier({ mode: 'offline' })(bearer(person.token))).toMatchObject({ sub: person.uai })
  })

  test('401 by the next request for an API key', async () => {
    const made = await newKey(gateway, ada, { scopes: ['memories:read'] })
    const verify = verifier()
    expect(await verify(request({ 'x-api-key': made.key }))).toMatchObject({ sub: ada.uai })
    await api(gateway, 'POST', `/api/v1/api-keys/${made.id}/revoke`, { token: ada.token, body: { reason: 'test' } })
    expect(await refusal(verify(request({ 'x-api-key': made.key })))).toMatchObject({ status: 401 })
  })
})

describe('API keys', () => {
  test('401 offline, where nothing could be known of one', async () => {
    const { key: apiKey } = await newKey(gateway, ada)
    expect(await refusal(verifier({ mode: 'offline' })(request({ 'x-api-key': apiKey })))).toMatchObject({
      status: 401,
    })
  })

  test('are refused where they are not for this service', async () => {
    const made = await newKey(gateway, ada, { service_type: 'specific', service_keys: ['memories'] })
    const ask = (service: string) => verifier({ service })(request({ 'x-api-key': made.key }))
    expect(await ask('memories')).toMatchObject({ sub: ada.uai })
    expect(await refusal(ask('ai-chat'))).toMatchObject({ status: 403, code: 'access_denied' })
  })

  test('that sign each request: once, and with the body that was signed', async () => {
    const pair = generateKeyPairSync('ed25519')
    const public_key_pem = pair.publicKey.export({ type: 'spki', format: 'pem' })
    const binding = { public_key_pem, require_request_signature: true }
    const made = await newKey(gateway, ada, { scopes: ['memories:write'], binding })
    const signed = (method: string, text: string) => {
      const [time, nonce] = [String(Date.now()), randomBytes(12).toString('hex')]
      const digest = createHash('sha256').update(text).digest('hex')
      const line = [method, '/memories', time, nonce, digest, API, '', '', ''].join('\n')
      return {
        'x-api-key': made.key,
        'x-lanonasis-timestamp': time,
        'x-lanonasis-nonce': nonce,
        'x-lanonasis-content-sha256': digest,
        'x-lanonasis-audience': API,
        'x-lanonasis-signature': `v1=${sign(null, Buffer.from(line), pair.privateKey).toString('base64')}`,
      }
    }
    const verify = verifier()
    const headers = signed('POST', 'a body')
    const ask = (text?: string, all: Record<string, string> = headers) =>
      verify(request(all, '/memories?x=y', 'POST'), text === undefined ? {} : { body: Buffer.from(text) })
    expect(await refusal(ask())).toMatchObject({ status: 400 })
    expect(await refusal(ask('another body'))).toMatchObject({ status: 401 })
    expect(await ask('a body')).toMatchObject({ sub: ada.uai })
    expect(await refusal(ask('a body'))).toMatchObject({ status: 401 })
    expect(await refusal(ask('a body', { 'x-api-key': made.key }))).toMatchObject({ status: 401 })
  })
})

describe('K7: a token that is bound to a key', () => {
  const url = `${API}/memories`
  const presented = async (token: string, claims: Record<string, unknown> = {}, by = key) =>
    request({
      authorization: `DPoP ${token}`,
      dpop: await dpopProof(by, { htm: 'GET', htu: url, accessToken: token, ...claims }),
    })

  test.each(['online', 'offline'] as const)('is accepted with its proof, once (%s)', async (mode) => {
    const token = await boundToKey()
    const verify = verifier({ mode })
    const good = await presented(token)
    expect(await verify(good)).toMatchObject({ sub: 'worker', cnf: { jkt: key.jkt } })
    expect(await refusal(verify(good))).toMatchObject({ status: 401 })
    expect(await verify(await presented(token))).toMatchObject({ sub: 'worker' })
  })

  test.each(['online', 'offline'] as const)('401 in any other way (%s)', async (mode) => {
    const token = await boundToKey()
    const other = await newSigningKey()
    const wrong = {
      'as Bearer': bearer(token),
      'as Bearer with its proof': request({
        authorization: `Bearer ${token}`,
        dpop: await dpopProof(key, { htm: 'GET', htu: url, accessToken: token }),
      }),
      'without a proof': request({ authorization: `DPoP ${token}` }),
      'for another method': await presented(token, { htm: 'POST' }),
      'for another address': await presented(token, { htu: `${API}/secrets` }),
      'for the address in Host': await presented(token, { htu: 'http://behind-a-proxy.internal/memories' }),
      'without the hash of the token': await presented(token, { ath: undefined }),
      'for another token': await presented(token, { ath: createHash('sha256').update('x').digest('base64url') }),
      'of another key': await presented(token, {}, other),
      'too old': await presented(token, { iat: Math.floor(Date.now() / 1000) - 120 }),
    }
    for (const [name, one] of Object.entries(wrong)) {
      const answer = await refusal(verifier({ mode })(one))
      expect([name, answer.status]).toEqual([name, 401])
      expect(answer.challenge).toMatch(/^DPoP error="(invalid_token|invalid_dpop_proof)", algs="ES256 /)
    }
  })

  test('401 for a token that is bound to nothing, presented as if', async () => {
    const token = await serviceToken()
    for (const mode of ['online', 'offline'] as const)
      expect(await refusal(verifier({ mode })(await presented(token)))).toMatchObject({ status: 401 })
  })

  test('proofs are deleted when they are no longer valid', () => {
    const clock = vi.fn(() => 0)
    const isFirst = rememberProofs(clock)
    expect([isFirst('a'), isFirst('a'), isFirst('b')]).toEqual([true, false, true])
    clock.mockReturnValue(100_000)
    expect(isFirst('a')).toBe(false)
    clock.mockReturnValue(121_000)
    expect(isFirst('a')).toBe(true)
  })
})

describe('L2: a token that is bound to a certificate', () => {
  const viaProxy = (token: string, cert: string, secret = SERVICE_SECRET) =>
    request({
      authorization: `Bearer ${token}`,
      ...proxied(secret, { method: 'GET', uri: '/memories?limit=1', cert }),
    })

  test.each(['online', 'offline'] as const)('behind a proxy: with that certificate alone (%s)', async (mode) => {
    const token = await boundToCertificate()
    const verify = verifier({ mode, proxySecret: SERVICE_SECRET })
    const bound = { 'x5t#S256': certificate.thumbprint }
    expect(await verify(viaProxy(token, certificate.cert))).toMatchObject({ sub: 'reports', cnf: bound })
    const other = authority.issue('/O=LanOnasis/CN=reports')
    const wrong = {
      'another certificate of the same name': viaProxy(token, other.cert),
      'no certificate': bearer(token),
      'a proof of another caller': viaProxy(token, certificate.cert, GATEWAY_SECRET),
      'a header without proof': request({
        authorization: `Bearer ${token}`,
        'client-cert': `:${new X509Certificate(certificate.cert).raw.toString('base64')}:`,
      }),
    }
    for (const [name, one] of Object.entries(wrong))
      expect([name, await refusal(verify(one))]).toMatchObject([name, { status: 401, code: 'invalid_token' }])
    expect(await refusal(verifier({ mode })(viaProxy(token, certificate.cert)))).toMatchObject({ status: 401 })
  })

  async function behindTls(verify: ReturnType<typeof createVerifier>) {
    const own = authority.issue('/CN=localhost', { names: ['DNS:localhost'], usage: 'serverAuth' })
    const { key, cert } = own
    const tls = { key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: false }
    const port = await listen(createHttpsServer(tls, answering(verify)))
    const headers = { authorization: `Bearer ${await boundToCertificate()}` }
    return async (presented?: Certificate) =>
      (await callTls(port, { host: 'localhost', ca: authority.cert, certificate: presented, headers })).status
  }

  test('over TLS that the service ends itself', async () => {
    const ask = await behindTls(verifier())
    const other = authority.issue('/O=LanOnasis/CN=other')
    expect([await ask(certificate), await ask(other), await ask()]).toEqual([200, 401, 401])
  })

  test('401 for the certificate of the proxy itself, which says nothing of the caller', async () => {
    const ask = await behindTls(verifier({ proxySecret: SERVICE_SECRET }))
    expect(await ask(certificate)).toBe(401)
  })

  test('401 offline for a binding of a kind that is not known', async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'worker', client_id: 'worker', aud: API, jti: 'x', iat: now, exp: now + 60 }
    const token = await gateway.gateway.jwts.accessToken({ ...claims, cnf: { 'x5t#S512': 'x' } })
    expect(await refusal(verifier({ mode: 'offline' })(bearer(token)))).toMatchObject({ status: 401 })
  })
})
