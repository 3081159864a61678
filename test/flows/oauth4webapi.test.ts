import * as oauth from 'oauth4webapi'
import { beforeAll, expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'
import { authorizeParams, NATIVE, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const insecure = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: NATIVE.client_id }
const API = 'https://api.lanonasis.com'
const gateway = useGateway()
let person: SignedInBrowser
let server: oauth.AuthorizationServer

beforeAll(async () => {
  person = await signIn(gateway)
  const issuer = new URL(gateway.url)
  const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' })
  server = await oauth.processDiscoveryResponse(issuer, response)
})

async function answerTo(changes: Record<string, string | undefined>, decision: 'allow' | 'deny' = 'allow') {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const params = authorizeParams(verifier, { state, ...changes })
  let page = await person.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  if (!page.location) page = await person.browser.submit(page, { decision }, '/oauth/consent')
  return { verifier, state, url: new URL(page.location ?? '') }
}

async function tokensFor(changes: Record<string, string | undefined> = {}) {
  const nonce = oauth.generateRandomNonce()
  const { verifier, state, url } = await answerTo({ nonce, ...changes })
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    oauth.validateAuthResponse(server, client, url, state),
    NATIVE.redirect_uri,
    verifier,
    insecure,
  )
  return oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
    maxAge: 600,
  })
}

const asRequest = (token: string) => new Request(`${API}/memories`, { headers: { authorization: `Bearer ${token}` } })

test('both discovery documents pass the strict reading and agree', async () => {
  const issuer = new URL(gateway.url)
  const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oidc' })
  expect(await oauth.processDiscoveryResponse(issuer, response)).toEqual(server)
})

test('tokens of the code grant pass, and the access token is a valid RFC 9068 token for its resource', async () => {
  const tokens = await tokensFor({ resource: API })
  const claims = await oauth.validateJwtAccessToken(server, asRequest(tokens.access_token), API, insecure)
  expect(claims).toMatchObject({ iss: gateway.url, sub: person.uai, client_id: NATIVE.client_id })
  const elsewhere = 'https://mcp.lanonasis.com/mcp'
  await expect(
    oauth.validateJwtAccessToken(server, asRequest(tokens.access_token), elsewhere, insecure),
  ).rejects.toThrow(/aud/)
})

test('the signature of the ID token verifies against the published keys', async () => {
  const tokens = await tokensFor()
  const nothing = new Response(JSON.stringify(tokens), { headers: { 'content-type': 'application/json' } })
  await oauth.processRefreshTokenResponse(server, client, nothing.clone())
  const ref = new Response(JSON.stringify(tokens), { headers: { 'content-type': 'application/json' } })
  await oauth.processRefreshTokenResponse(server, client, ref)
  await expect(oauth.validateApplicationLevelSignature(server, ref, insecure)).resolves.toBeUndefined()
})

test('a denied request is answered with access_denied, state and iss', async () => {
  const { state, url } = await answerTo({}, 'deny')
  expect(() => oauth.validateAuthResponse(server, client, url, state)).toThrow(
    expect.objectContaining({ error: 'access_denied' }),
  )
})

test('an answer that claims another issuer is refused by the client', async () => {
  const { state, url } = await answerTo({})
  url.searchParams.set('iss', 'https://evil.example')
  expect(() => oauth.validateAuthResponse(server, client, url, state)).toThrow(/iss/)
})

test('UserInfo, refresh, introspection and revocation pass', async () => {
  const tokens = await tokensFor({ scope: 'openid email offline_access' })
  const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, insecure)
  expect(await oauth.processUserInfoResponse(server, client, person.uai, userinfo)).toMatchObject({
    email: person.email,
  })
  const refreshed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token ?? '', insecure),
  )
  const look = async (token: string) =>
    oauth.processIntrospectionResponse(
      server,
      client,
      await oauth.introspectionRequest(server, client, oauth.None(), token, insecure),
    )
  expect(await look(refreshed.access_token)).toMatchObject({ active: true, sub: person.uai })
  const revocation = await oauth.revocationRequest(
    server,
    client,
    oauth.None(),
    refreshed.refresh_token ?? '',
    insecure,
  )
  await oauth.processRevocationResponse(revocation)
  expect(await look(refreshed.access_token)).toEqual({ active: false })
})
