import * as oidc from 'openid-client'
import { beforeAll, expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'
import { NATIVE, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
let config: oidc.Configuration
let tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers

beforeAll(async () => {
  person = await signIn(gateway)
  config = await oidc.discovery(new URL(gateway.url), NATIVE.client_id, undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  })
})

test('signs a person in with PKCE, nonce and state, and checks the ID token', async () => {
  const verifier = oidc.randomPKCECodeVerifier()
  const nonce = oidc.randomNonce()
  const state = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: NATIVE.redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
  })
  const consent = await person.browser.visit(url.href)
  expect(consent.status).toBe(200)
  const answer = await person.browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
  expect(answer.status).toBe(303)
  tokens = await oidc.authorizationCodeGrant(config, new URL(answer.location ?? ''), {
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    expectedState: state,
    idTokenExpected: true,
    maxAge: 600,
  })
  expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'openid profile email offline_access' })
  expect(tokens.claims()).toMatchObject({ sub: person.uai, email: person.email, email_verified: true, amr: ['otp'] })
})

test('reads the same subject and address at UserInfo', async () => {
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, person.uai)
  expect(userinfo).toMatchObject({ sub: person.uai, email: person.email, email_verified: true })
})

test('refreshes, and the new tokens are as good as the old ones', async () => {
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(next.refresh_token).not.toBe(tokens.refresh_token)
  expect(next.claims()?.sub).toBe(person.uai)
  tokens = next
  expect(await oidc.fetchUserInfo(config, tokens.access_token, person.uai)).toMatchObject({ sub: person.uai })
})

test('introspects the access token as active, with its scope and subject', async () => {
  expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({
    active: true,
    sub: person.uai,
    client_id: NATIVE.client_id,
    scope: 'openid profile email offline_access',
    iss: gateway.url,
  })
})

test('revokes, and the tokens are refused by the very next request', async () => {
  await oidc.tokenRevocation(config, tokens.refresh_token ?? '')
  expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
  await expect(oidc.fetchUserInfo(config, tokens.access_token, person.uai)).rejects.toMatchObject({ status: 401 })
  await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  })
})

test('signs out at the end session endpoint without a question when the ID token names the person', async () => {
  const url = oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' })
  const page = await person.browser.visit(url.href)
  expect(page.status).toBe(200)
  expect(person.browser.cookies.has('lanonasis_session')).toBe(false)
})
