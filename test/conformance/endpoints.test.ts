import { decodeJwt, decodeProtectedHeader, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import {
  createBrowser,
  getTokens,
  NATIVE,
  newVerifier,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
  type Tokens,
} from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
let tokens: Tokens
const secretOf = (id: string, secret = 'a secret: +%') => ({
  authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`,
})

beforeAll(async () => {
  await addClient(gateway, 'resource-server', {}, true)
  await addClient(gateway, 'resource-server-es256', { introspection_signed_response_alg: 'ES256' }, true)
  await addClient(gateway, 'stranger')
  person = await signIn(gateway)
  tokens = await getTokens(gateway, person, { nonce: 'a nonce', scope: 'openid profile email offline_access' })
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers })
const json = async (path: string) => (await get(path)).json()
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const introspect = (token: string, extra: Record<string, string> = {}, headers?: Record<string, string>) =>
  post(gateway, '/oauth/introspect', { token, ...extra }, headers)

const DISCOVERY = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

describe.each(DISCOVERY)('F %s', (path) => {
  test('F1 F2 is public JSON with the configured issuer, whatever the Host header says', async () => {
    const response = await get(path, { 'x-forwarded-host': 'evil.example', origin: 'https://anything.example' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const metadata = await response.json()
    expect(metadata.issuer).toBe(gateway.url)
    expect(decodeJwt(tokens.access_token).iss).toBe(metadata.issuer)
  })

  test('F3 F4 lists what works, and no empty list', async () => {
    const metadata = await json(path)
    for (const [name, value] of Object.entries(metadata)) if (Array.isArray(value)) expect(value, name).not.toEqual([])
    expect(metadata).toMatchObject({
      response_types_supported: ['code'],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      authorization_response_iss_parameter_supported: true,
    })
    for (const [name, value] of Object.entries(metadata)) {
      if (!/_(endpoint|uri)$/.test(name)) continue
      expect(String(value), name).toMatch(new RegExp(`^${gateway.url}/`))
      const answer = await fetch(String(value), { method: 'POST', headers: { accept: 'application/json' } })
      expect(answer.status, name).not.toBe(404)
    }
  })

  test('B3 F5 says S256, public and pairwise subjects and RS256', async () => {
    expect(await json(path)).toMatchObject({
      code_challenge_methods_supported: ['S256'],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  })

  test('A34 M4 names no implicit or password grant and no shared-secret assertion', async () => {
    expect(JSON.stringify(await json(path))).not.toMatch(/implicit|password|client_secret_jwt/)
  })
})

test('A44 forwarded headers that are not configured are ignored', async () => {
  const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' }
  const page = await (await get('/web/login', forged)).text()
  expect(page).not.toContain('evil.example')
  const client = { 'client-cert': ':AAAA:', 'x-ssl-client-verify': 'SUCCESS', 'x-uai-auth-id': person.uai }
  expect((await get('/v1/auth/resolve', client)).status).toBe(401)
})

describe('E1 E2 revocation', () => {
  const revoke = (token: string, extra: Record<string, string> = {}, headers?: Record<string, string>) =>
    post(gateway, '/oauth/revoke', { token, ...extra }, headers)
  const mine = { client_id: NATIVE.client_id }

  test('E1 E2 an unknown token is 200 with a JSON body', async () => {
    const answer = await revoke('unknown', mine)
    expect(answer).toMatchObject({ status: 200, body: { revoked: false } })
    expect(answer.headers.get('content-type')).toContain('application/json')
  })

  test('E1 another client revokes nothing and learns nothing', async () => {
    const victim = await getTokens(gateway, person)
    expect(await revoke(victim.refresh_token, { client_id: 'lanonasis-cli' })).toMatchObject({
      status: 200,
      body: { revoked: false },
    })
    expect(await revoke(victim.refresh_token, {}, secretOf('stranger'))).toMatchObject({ status: 200 })
    expect((await introspect(victim.access_token)).body.active).toBe(true)
  })

  test('E1 a refresh token takes its access tokens along; an access token goes alone; the hint is only a hint', async () => {
    const one = await getTokens(gateway, person)
    await revoke(one.access_token, { ...mine, token_type_hint: 'refresh_token' })
    expect((await introspect(one.access_token)).body).toEqual({ active: false })
    const refresh = (token: string) =>
      post(gateway, '/oauth/token', { ...mine, grant_type: 'refresh_token', refresh_token: token })
    const { status, body: two } = await refresh(one.refresh_token)
    expect(status).toBe(200)
    await revoke(two.refresh_token, { ...mine, token_type_hint: 'nonsense' })
    expect((await introspect(two.access_token)).body).toEqual({ active: false })
    expect((await refresh(two.refresh_token)).body.error).toBe('invalid_grant')
  })

  test('E1 a confidential client must authenticate', async () => {
    expect(await revoke('x', { client_id: 'stranger' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
  })

  test('E1 a missing token is invalid_request', async () => {
    expect(await post(gateway, '/oauth/revoke', mine)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    })
  })
})

describe('E3-E5 introspection', () => {
  test('E3 a client that authenticates sees its own tokens, a resource server of ours all, a stranger none', async () => {
    expect((await introspect(tokens.access_token, {}, secretOf('resource-server'))).body.active).toBe(true)
    expect((await introspect(tokens.access_token, {}, secretOf('stranger'))).body).toEqual({ active: false })
    expect(await introspect(tokens.access_token, {}, secretOf('stranger', 'wrong'))).toMatchObject({ status: 401 })
  })

  test.each(['junk', 'a.b.c', 'x'.repeat(64), 'x'.repeat(86), 'lano_x', '\u{1F98A}'])(
    'E3 %s is exactly { active: false }',
    async (junk) => {
      expect(await introspect(junk)).toMatchObject({ status: 200, text: '{"active":false}' })
    },
  )

  test('E4 says scope, client, subject, audience, times and id', async () => {
    const { body } = await introspect(tokens.access_token)
    expect(body).toMatchObject({
      active: true,
      iss: gateway.url,
      sub: person.uai,
      user_id: person.uai,
      client_id: NATIVE.client_id,
      scope: 'openid profile email offline_access',
      token_type: 'Bearer',
      aud: ['https://api.lanonasis.com', gateway.url],
      email: person.email,
      project_scope: 'lanonasis-maas',
    })
    expect(body.exp - body.iat).toBe(3600)
    expect(body.scope).not.toContain('admin')
  })

  test.each([
    ['resource-server', 'RS256'],
    ['resource-server-es256', 'ES256'],
  ])('E5 a signed answer when it is asked for: %s gets %s', async (id, alg) => {
    const accept = 'application/token-introspection+jwt'
    const response = await fetch(`${gateway.url}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.access_token }),
      headers: { accept, ...secretOf(id) },
    })
    expect(response.headers.get('content-type')).toBe(accept)
    const jwt = await response.text()
    expect(decodeProtectedHeader(jwt)).toMatchObject({ typ: 'token-introspection+jwt', alg })
    const claims = decodeJwt(jwt)
    expect(claims).toMatchObject({ iss: gateway.url, aud: id, token_introspection: { active: true } })
    expect(claims).not.toHaveProperty('sub')
    expect(claims).not.toHaveProperty('exp')
    const { keys } = await json('/oauth/jwks.json')
    const key = await importJWK(keys.find(({ kid }: { kid: string }) => kid === decodeProtectedHeader(jwt).kid))
    expect((await jwtVerify(jwt, key, { issuer: gateway.url, typ: 'token-introspection+jwt' })).payload).toEqual(claims)
    expect((await json(DISCOVERY[0] ?? '')).introspection_signing_alg_values_supported).toEqual(['RS256', 'ES256'])
  })

  test('E3 A25 answers are not stored, and a missing token is 400', async () => {
    expect((await introspect('x')).headers.get('cache-control')).toBe('no-store')
    expect(await post(gateway, '/oauth/introspect', {})).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    })
  })

  test('E3 the ID token is no access token', async () => {
    expect((await introspect(tokens.id_token ?? '')).body).toEqual({ active: false })
  })
})

describe('A35 A36 bearer tokens', () => {
  test('A35 the query is ignored and the scheme takes any case', async () => {
    expect((await get(`/oauth/userinfo?access_token=${tokens.access_token}`)).status).toBe(401)
    expect((await get('/oauth/userinfo', { authorization: `bEARER ${tokens.access_token}` })).status).toBe(200)
  })

  test('A36 no token is a bare challenge, a bad one invalid_token, a poor one insufficient_scope', async () => {
    const challenge = async (headers: Record<string, string>) => {
      const response = await get('/oauth/userinfo', headers)
      return `${response.status} ${response.headers.get('www-authenticate')}`
    }
    const where = `resource_metadata="${gateway.url}/.well-known/oauth-protected-resource"`
    expect(await challenge({})).toBe(`401 Bearer ${where}`)
    expect(await challenge(bearer('junk'))).toBe(`401 Bearer error="invalid_token", ${where}`)
    const poor = await getTokens(gateway, person, { scope: 'memories:read' })
    expect(await challenge(bearer(poor.access_token))).toBe(
      `403 Bearer error="insufficient_scope", scope="openid", ${where}`,
    )
  })
})

describe('O1 O2 O3 tokens and keys', () => {
  test('O1 the access token is an RFC 9068 token', () => {
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({
      typ: 'at+jwt',
      alg: 'ES256',
      kid: expect.any(String),
    })
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      iss: gateway.url,
      sub: person.uai,
      client_id: NATIVE.client_id,
      scope: 'openid profile email offline_access',
      amr: ['otp'],
      aud: expect.anything(),
      exp: expect.any(Number),
      iat: expect.any(Number),
      jti: expect.any(String),
      auth_time: expect.any(Number),
      acr: expect.any(String),
    })
  })

  test('O2 it verifies with the published key of its kid', async () => {
    const { keys } = await json('/oauth/jwks.json')
    const key = keys.find(({ kid }: { kid: string }) => kid === decodeProtectedHeader(tokens.access_token).kid)
    const options = { issuer: gateway.url, audience: 'https://api.lanonasis.com', typ: 'at+jwt' }
    await expect(jwtVerify(tokens.access_token, await importJWK(key, 'ES256'), options)).resolves.toBeDefined()
  })

  test.each(['O2 none', 'O2 another key', 'O2 changed claims', 'O2 the ID token'])('%s is refused', async (kind) => {
    const [header, , signature] = tokens.access_token.split('.')
    const claims = decodeJwt(tokens.access_token)
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { privateKey } = await generateKeyPair('ES256')
    const forged: Record<string, string> = {
      'O2 none': `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`,
      'O2 another key': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: decodeProtectedHeader(tokens.access_token).kid })
        .sign(privateKey),
      'O2 changed claims': `${header}.${encode({ ...claims, scope: 'admin' })}.${signature}`,
      'O2 the ID token': tokens.id_token ?? '',
    }
    expect((await get('/oauth/userinfo', bearer(forged[kind] ?? ''))).status).toBe(401)
    expect((await get('/v1/auth/me', bearer(forged[kind] ?? ''))).status).toBe(401)
  })

  test.each(['/oauth/jwks.json', '/.well-known/jwks.json', '/api/v1/oauth/jwks.json'])(
    'O3 %s has public keys only, cacheable',
    async (path) => {
      const response = await get(path)
      expect(response.headers.get('cache-control')).toMatch(/public, max-age=\d+/)
      const { keys } = await response.json()
      expect(new Set(keys.map(({ kid }: { kid: string }) => kid)).size).toBe(keys.length)
      expect(keys.map(({ alg }: { alg: string }) => alg).sort()).toEqual(['ES256', 'RS256'])
      for (const key of keys) {
        expect(key).toMatchObject({ use: 'sig', kid: expect.any(String) })
        for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret)
      }
    },
  )

  test('O3 after a rotation both keys are published and both tokens are valid', async () => {
    await gateway.gateway.keys.rotate({ type: 'operator' }, 0, 3600)
    const { keys } = await json('/oauth/jwks.json')
    expect(keys).toHaveLength(4)
    const fresh = await getTokens(gateway, person)
    expect(decodeProtectedHeader(fresh.access_token).kid).not.toBe(decodeProtectedHeader(tokens.access_token).kid)
    for (const { access_token } of [tokens, fresh])
      expect((await get('/oauth/userinfo', bearer(access_token))).status).toBe(200)
  })
})

test('P1 O4 the ID token says who, for whom, when and how, with nonce and at_hash', () => {
  expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
  expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({
    iss: gateway.url,
    sub: person.uai,
    aud: NATIVE.client_id,
    nonce: 'a nonce',
    amr: ['otp'],
    email: person.email,
    email_verified: true,
    exp: expect.any(Number),
    iat: expect.any(Number),
    auth_time: expect.any(Number),
    at_hash: expect.any(String),
    sid: expect.any(String),
  })
})

test('P1 no ID token without openid', async () => {
  expect((await getTokens(gateway, person, { scope: 'memories:read' })).id_token).toBeUndefined()
})

test('P5 UserInfo by GET, POST header and POST form, by scope', async () => {
  const byGet = await (await get('/oauth/userinfo', bearer(tokens.access_token))).json()
  expect(byGet).toMatchObject({ sub: person.uai, email: person.email, email_verified: true })
  expect((await post(gateway, '/oauth/userinfo', {}, bearer(tokens.access_token))).body).toEqual(byGet)
  expect((await post(gateway, '/oauth/userinfo', { access_token: tokens.access_token })).body).toEqual(byGet)
  const both = await post(
    gateway,
    '/oauth/userinfo',
    { access_token: tokens.access_token },
    bearer(tokens.access_token),
  )
  expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  const bare = await getTokens(gateway, person, { scope: 'openid' })
  expect(await (await get('/oauth/userinfo', bearer(bare.access_token))).json()).toEqual({ sub: person.uai })
})

test('P6 only offline_access outlives the session; without it, the end of the session ends the tokens', async () => {
  const one = await signIn(gateway)
  const web = await addClient(gateway, 'offline-web', { scope: 'openid memories:read', default_scope: 'openid' })
  const wanted = { client_id: web.client_id, redirect_uri: web.redirect_uri }
  const verifier = newVerifier()
  const { authorize, authorizeParams } = await import('../support/sign-in.ts')
  const grant = async (scope: string) => {
    const code = (await authorize(one.browser, authorizeParams(verifier, { ...wanted, scope }))).get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
    return (await post(gateway, '/oauth/token', form, secretOf('offline-web'))).body as Tokens
  }
  const bound = await grant('openid memories:read')
  const offline = await grant('openid memories:read offline_access')
  const page = await one.browser.visit('/web/logout')
  await one.browser.submit(page, {}, '/web/logout')
  expect((await introspect(bound.access_token)).body).toEqual({ active: false })
  expect((await introspect(offline.access_token)).body.active).toBe(true)
})

test('P8 the subject stays the same across clients and sign-ins, and is no address', async () => {
  await openLimits(gateway)
  const again = await signIn(gateway, person.email)
  expect(again.uai).toBe(person.uai)
  expect(person.uai).toMatch(/^[\x21-\x7e]{1,255}$/)
})

describe('Q1 RP-initiated logout', () => {
  const back = 'https://rp.example/bye'
  const setup = async () => {
    const one = await signIn(gateway)
    return { ...one, ...(await getTokens(gateway, one)) }
  }
  const out = (query: Record<string, string>) => `/oauth/logout?${new URLSearchParams(query)}`
  beforeAll(async () => {
    const redirect_uris = ['http://127.0.0.1:4000/auth-tester']
    await addClient(gateway, 'rp', {
      token_endpoint_auth_method: 'none',
      redirect_uris,
      post_logout_redirect_uris: [back],
    })
  })

  test('without a hint it asks first, and POST with the token of the page signs out', async () => {
    const one = await setup()
    const page = await one.browser.visit('/oauth/logout')
    expect(one.browser.cookies.has('lanonasis_session')).toBe(true)
    const done = await one.browser.submit(page, {}, '/oauth/logout')
    expect(done.status).toBe(200)
    expect(one.browser.cookies.has('lanonasis_session')).toBe(false)
  })

  test('with a hint of its person it signs out and returns with state', async () => {
    const one = await signIn(gateway)
    const { id_token = '' } = await getTokens(gateway, one, { client_id: 'rp' })
    const done = await one.browser.visit(out({ id_token_hint: id_token, post_logout_redirect_uri: back, state: 'a&b' }))
    expect(done.location).toBe(`${back}?state=a%26b`)
    expect(one.browser.cookies.has('lanonasis_session')).toBe(false)
  })

  test('POST works too, by 303', async () => {
    const one = await signIn(gateway)
    const { id_token = '' } = await getTokens(gateway, one, { client_id: 'rp' })
    const body = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: back })
    expect(await one.browser.visit('/oauth/logout', { method: 'POST', body })).toMatchObject({
      status: 303,
      location: back,
    })
  })

  test.each(['https://evil.example', `${back}/`, `${back}?x=1`])(
    'an unregistered return address is an error page: %s',
    async (uri) => {
      const one = await setup()
      const page = await one.browser.visit(out({ client_id: 'rp', post_logout_redirect_uri: uri }))
      expect(page).toMatchObject({ status: 400, location: undefined })
      expect(one.browser.cookies.has('lanonasis_session')).toBe(true)
    },
  )

  test('a return address without hint or client is refused, a forged hint too', async () => {
    const one = await setup()
    expect(await one.browser.visit(out({ post_logout_redirect_uri: back }))).toMatchObject({
      status: 400,
      location: undefined,
    })
    expect(await one.browser.visit(out({ id_token_hint: `${one.id_token}x` }))).toMatchObject({ status: 400 })
  })

  test('without a session only a hint of a client that an operator registered goes back at once', async () => {
    const one = await signIn(gateway)
    const { id_token = '' } = await getTokens(gateway, one, { client_id: 'rp' })
    const asked = { client_id: 'rp', post_logout_redirect_uri: back, state: 's' }
    const gone = createBrowser(gateway)
    expect((await gone.visit(out({ ...asked, id_token_hint: id_token }))).location).toBe(`${back}?state=s`)
    const page = await gone.visit(out(asked))
    expect([page.status, page.location]).toEqual([200, undefined])
    expect(page.html).toContain(`<a class="button primary" href="${back}?state=s">Continue to rp.example</a>`)
  })

  test('a stranger cannot send people anywhere with a hint of their own', async () => {
    const { body } = await postJson(gateway, '/register', {
      redirect_uris: ['https://evil.example/cb'],
      post_logout_redirect_uris: ['https://evil.example/bye'],
      scope: 'openid',
    })
    const stranger = { client_id: body.client_id, redirect_uri: 'https://evil.example/cb', scope: 'openid' }
    const { id_token = '' } = await getTokens(gateway, await signIn(gateway), stranger)
    const asked = { id_token_hint: id_token, post_logout_redirect_uri: 'https://evil.example/bye' }
    const page = await createBrowser(gateway).visit(out(asked))
    expect([page.location, page.html.includes('Continue to evil.example')]).toEqual([undefined, true])
    const victim = await setup()
    const confirm = await victim.browser.visit(out(asked))
    expect([confirm.location, confirm.html.includes('evil.example')]).toEqual([undefined, true])
    expect(victim.browser.cookies.has('lanonasis_session')).toBe(true)
  })

  test('a confirmed sign-out goes back', async () => {
    const one = await setup()
    const page = await one.browser.visit(out({ client_id: 'rp', post_logout_redirect_uri: back }))
    expect(page.html).toContain('rp.example')
    expect((await one.browser.submit(page, {}, '/oauth/logout')).location).toBe(back)
  })

  test("another person's hint asks first", async () => {
    const [one, other] = [await setup(), await setup()]
    await one.browser.visit(out({ id_token_hint: other.id_token ?? '' }))
    expect(one.browser.cookies.has('lanonasis_session')).toBe(true)
  })
})

test('a revoked session is refused by the very next request, cookie and tokens alike', async () => {
  const one = await signIn(gateway)
  const cookie = [...one.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  expect((await get('/v1/auth/resolve', { cookie })).headers.get('x-uai-auth-id')).toBe(one.uai)
  const { body } = await postJson(gateway, '/v1/auth/logout', {}, { cookie })
  expect(body).toEqual({ success: true, revoked: true })
  const after = await get('/v1/auth/resolve', { cookie })
  expect(after.status).toBe(401)
  expect(after.headers.get('x-uai-error')).toBe('AUTH_REQUIRED')
})

describe('G1 protected resource metadata', () => {
  const read = async (path: string) => {
    const response = await get(`/.well-known/oauth-protected-resource${path}`)
    return {
      status: response.status,
      cors: response.headers.get('access-control-allow-origin'),
      body: await response.json(),
    }
  }

  test('of the gateway itself, whose tokens can be asked for', async () => {
    const { status, cors, body } = await read('')
    expect({ status, cors }).toEqual({ status: 200, cors: '*' })
    expect(body).toMatchObject({
      resource: gateway.url,
      authorization_servers: [gateway.url],
      scopes_supported: ['profile', 'email'],
      bearer_methods_supported: ['header'],
    })
    const { access_token, scope } = await getTokens(gateway, person, { scope: undefined, resource: gateway.url })
    expect(scope).toBe('profile email')
    expect((await introspect(access_token)).body).toMatchObject({
      active: true,
      aud: expect.toSatisfy((aud) => [aud].flat().includes(gateway.url)),
    })
  })

  test('of a resource whose host forwards the question, by path', async () => {
    const { body } = await read('/mcp')
    expect(body).toMatchObject({
      resource: 'https://mcp.lanonasis.com/mcp',
      authorization_servers: [gateway.url],
      scopes_supported: ['mcp:connect', 'memories:read'],
    })
    expect(body.scopes_supported).not.toContain('offline_access')
  })

  test('of a resource without a path, by its name', async () => {
    const { body } = await read('?resource=https://api.lanonasis.com')
    expect(body.resource).toBe('https://api.lanonasis.com')
  })

  test.each(['/other', '?resource=https://evil.example'])('404 %s', async (path) => {
    expect((await read(path)).status).toBe(404)
  })

  test('A28 a client that names a resource and no scope gets what the resource needs', async () => {
    const tokens = await getTokens(gateway, person, { scope: undefined, resource: 'https://mcp.lanonasis.com/mcp' })
    expect(tokens.scope).toBe('mcp:connect memories:read')
  })
})
