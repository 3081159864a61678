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
const secretOf = (id: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent('a secret: +%')}`).toString('base64')}`,
})

beforeAll(async () => {
  person = await signIn(gateway)
  tokens = await getTokens(gateway, person, { nonce: 'a nonce', scope: 'openid profile email offline_access' })
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers })
const json = async (path: string) => (await get(path)).json()
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const introspect = (token: string) => post(gateway, '/oauth/introspect', { token })

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
      aud: ['https://api.lanonasis.com', gateway.url],
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
