import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as openid from 'openid-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import {
  authorizeParams,
  createBrowser,
  newVerifier,
  passSignIn,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
const redirect_uri = 'https://app.example/callback'
const web = { client_id: 'par-web', redirect_uri }
const secret = { client_secret: 'a secret: +%' }
let key: CryptoKey

beforeAll(async () => {
  await addClient(gateway, web.client_id, { token_endpoint_auth_method: 'client_secret_post' }, true)
  const pair = await generateKeyPair('ES256')
  key = pair.privateKey
  await addClient(gateway, 'par-keys', {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' } as never] },
  })
  await addClient(gateway, 'par-only', {
    token_endpoint_auth_method: 'none',
    require_pushed_authorization_requests: true,
  })
  person = await signIn(gateway)
})

const asked = (changes: Record<string, string | undefined> = {}) =>
  authorizeParams(newVerifier(), { ...web, scope: undefined, ...changes })
const push = (changes: Record<string, string | undefined> = {}, headers = {}) =>
  post(gateway, '/oauth/par', { ...secret, ...asked(changes) } as Record<string, string>, headers)
const pushed = async (changes: Record<string, string | undefined> = {}): Promise<string> =>
  (await push(changes)).body.request_uri
const bring = (request_uri: string, changes: Record<string, string> = {}, { browser } = person) =>
  browser.visit(`/oauth/authorize?${new URLSearchParams({ client_id: web.client_id, request_uri, ...changes })}`)

test('J1 201 a good request gets a reference that lives for a short while', async () => {
  const { status, body, headers } = await push()
  expect(status).toBe(201)
  expect(body).toEqual({
    request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{50,}$/),
    expires_in: 90,
  })
  expect(headers.get('cache-control')).toBe('no-store')
})

test('J2 the reference replaces the request, other parameters are ignored, and it works once', async () => {
  const request_uri = await pushed({ state: 'from the push' })
  const page = await bring(request_uri, { state: 'from the browser', redirect_uri: 'https://evil.example/' })
  const answer = new URL(page.location ?? '')
  expect(answer.origin + answer.pathname).toBe(redirect_uri)
  expect(answer.searchParams.get('state')).toBe('from the push')
  expect(answer.searchParams.get('code')).toBeTruthy()
  const again = await bring(request_uri)
  expect(again).toMatchObject({ status: 400, location: undefined })
  expect(again.html).toContain('has expired or was used before')
})

test('J2 twenty browsers at once use it once', async () => {
  const request_uri = await pushed()
  const pages = await Promise.all(Array.from({ length: 20 }, () => bring(request_uri)))
  expect(pages.filter((page) => page.location)).toHaveLength(1)
  expect(pages.filter((page) => page.status === 400)).toHaveLength(19)
})

test('J2 it waits for a person who must sign in, longer than it lives, and the sign-in page may be reloaded', async () => {
  const request_uri = await pushed({ prompt: 'login' })
  const browser = createBrowser(gateway)
  const one = { browser, email: 'slow.reader@example.com', uai: '' }
  await bring(request_uri, {}, one)
  const signInPage = await bring(request_uri, {}, one)
  expect(signInPage.status).toBe(200)
  const id = (await eventsOf(gateway, 'authorization')).findLast(
    (event) => event.event_type === 'AuthorizationPushed',
  )?.stream_id
  expect((await eventsOf(gateway, 'authorization', id)).map((event) => event.event_type)).toEqual([
    'AuthorizationPushed',
    'PushedAuthorizationOpened',
  ])
  const page = await passSignIn(gateway, browser, signInPage, one.email)
  expect(new URL(page.location ?? '').searchParams.get('code')).toBeTruthy()
})

test('J2 prompt=login asks a signed-in person again, once', async () => {
  const request_uri = await pushed({ prompt: 'login' })
  const signInPage = await bring(request_uri)
  expect(signInPage).toMatchObject({ status: 200, location: undefined })
  const page = await passSignIn(gateway, person.browser, signInPage, newEmail())
  expect(new URL(page.location ?? '').searchParams.get('code')).toBeTruthy()
})

describe('J2 400 on an error page', () => {
  test('of another client', async () => {
    const page = await bring(await pushed(), { client_id: 'auth-tester' })
    expect(page).toMatchObject({ status: 400, location: undefined })
  })
  test('made up', async () => {
    const page = await bring('urn:ietf:params:oauth:request_uri:AAAA')
    expect(page).toMatchObject({ status: 400, location: undefined })
  })
  test('guessed for an id that exists', async () => {
    const request_uri = await pushed()
    const page = await bring(`${request_uri.slice(0, -4)}${request_uri.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`)
    expect(page).toMatchObject({ status: 400, location: undefined })
  })
  test('its material forgotten', async () => {
    const request_uri = await pushed()
    await gateway.sql`update auth_gateway.event_secrets set expires_at = now() where name = 'parameters'`
    expect(await bring(request_uri)).toMatchObject({ status: 400, location: undefined })
  })
})

describe('J1 J3 refused pushes', () => {
  test.each<[string, Record<string, string | undefined>, number, string]>([
    ['a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 400, 'invalid_request'],
    ['a request object', { request: 'x' }, 400, 'request_not_supported'],
    ['a foreign redirect URI', { redirect_uri: 'https://evil.example/' }, 400, 'invalid_request'],
    ['no redirect URI', { redirect_uri: undefined }, 400, 'invalid_request'],
    ['no challenge', { code_challenge: undefined }, 400, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 400, 'unsupported_response_type'],
    ['an unknown resource', { resource: 'https://evil.example/' }, 400, 'invalid_target'],
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
    ['no secret', { client_secret: undefined }, 401, 'invalid_client'],
    ['an unknown client', { client_id: 'nobody' }, 401, 'invalid_client'],
  ])('%s', async (_name, changes, status, error) => {
    const fields = Object.fromEntries(
      Object.entries({ ...secret, ...asked(), ...changes }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>
    expect(await post(gateway, '/oauth/par', fields)).toMatchObject({ status, body: { error } })
  })

  test('405 GET', async () => expect((await fetch(`${gateway.url}/oauth/par`)).status).toBe(405))
  test('400 parameters in the URL', async () =>
    expect((await post(gateway, '/oauth/par?scope=x', { ...secret, ...asked() })).status).toBe(400))
})

describe('J4 an assertion is for the issuer alone', () => {
  const assertion = (audience: string | string[]) =>
    new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer('par-keys')
      .setSubject('par-keys')
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(key)
  test.each<[number, string, (issuer: string) => string | string[]]>([
    [201, 'the issuer', (issuer) => issuer],
    [401, 'the endpoint', (issuer) => `${issuer}/oauth/par`],
    [401, 'the token endpoint', (issuer) => `${issuer}/oauth/token`],
    [401, 'issuer and endpoint', (issuer) => [issuer, `${issuer}/oauth/par`]],
  ])('%i for %s', async (status, _name, audience) => {
    const fields = {
      ...asked({ client_id: 'par-keys' }),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(audience(gateway.url)),
    }
    expect((await post(gateway, '/oauth/par', fields)).status).toBe(status)
  })
})

test('J3 a request that was not pushed is refused for a client that must push', async () => {
  const plain = asked({ client_id: 'par-only' })
  const page = await person.browser.visit(`/oauth/authorize?${new URLSearchParams(plain)}`)
  expect([page.status, page.location, page.html.includes('error=invalid_request&')]).toEqual([400, undefined, true])
  const { status, body } = await post(gateway, '/oauth/par', plain)
  expect(status).toBe(201)
  const consent = await bring(body.request_uri, { client_id: 'par-only' })
  expect(consent).toMatchObject({ status: 200, location: undefined })
})

test('openid-client pushes, with DPoP, and gets tokens bound to its key', async () => {
  const config = await openid.discovery(
    new URL(gateway.url),
    web.client_id,
    secret.client_secret,
    openid.ClientSecretPost(secret.client_secret),
    { execute: [openid.allowInsecureRequests] },
  )
  const dpop = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const url = await openid.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri,
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    },
    { DPoP: dpop },
  )
  expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  const page = await person.browser.visit(url.href)
  const tokens = await openid.authorizationCodeGrant(
    config,
    new URL(page.location ?? ''),
    { pkceCodeVerifier, expectedState },
    {},
    { DPoP: dpop },
  )
  expect(tokens.token_type).toBe('dpop')
})

test('J3 413 too much', async () => expect((await push({ state: 'x'.repeat(2_000_000) })).status).toBe(413))
