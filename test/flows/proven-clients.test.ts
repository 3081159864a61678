import { decodeJwt, importJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { beforeAll, expect, test } from 'vitest'
import { dpopNonce } from '../../shared/access/dpop.ts'
import type { PublicJwk } from '../../shared/domain/api-client.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { dpopProof, newSigningKey, type SigningKey } from '../support/proofs.ts'
import { authorizeParams, NATIVE, post, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const insecure = { [oauth.allowInsecureRequests]: true }
const service: oauth.Client = { client_id: 'service' }
const gateway = useGateway({ env: { DPOP_NONCE_REQUIRED: 'true' } })
let key: SigningKey
let person: SignedInBrowser
let server: oauth.AuthorizationServer

beforeAll(async () => {
  key = await newSigningKey()
  await addClient(gateway, service.client_id, {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk as PublicJwk] },
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'memories:read',
  })
  person = await signIn(gateway)
  const issuer = new URL(gateway.url)
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
})

const byKey = async () => oauth.PrivateKeyJwt((await importJWK(key.privateJwk, 'ES256')) as CryptoKey)
const newHandle = async (client: oauth.Client = NATIVE) => oauth.DPoP(client, await oauth.generateKeyPair('ES256'))

/** Runs a step again when the first answer asks for a nonce, as a client does; says how often it ran. */
async function withNonce<T>(step: () => Promise<T>): Promise<{ result: T; runs: number }> {
  try {
    return { result: await step(), runs: 1 }
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return { result: await step(), runs: 2 }
  }
}

test('a service gets its tokens by private_key_jwt, with nothing to configure', async () => {
  const auth = await byKey()
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    service,
    auth,
    { scope: 'memories:read' },
    insecure,
  )
  const tokens = await oauth.processClientCredentialsResponse(server, service, response)
  expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'memories:read' })
  const answer = await oauth.introspectionRequest(server, service, auth, tokens.access_token, insecure)
  expect(await oauth.processIntrospectionResponse(server, service, answer)).toMatchObject({
    active: true,
    client_id: 'service',
  })
})

test('a service binds its tokens to a key, with the nonce of the first refusal', async () => {
  const [auth, DPoP] = [await byKey(), await newHandle(service)]
  const ask = async () => {
    const response = await oauth.clientCredentialsGrantRequest(server, service, auth, {}, { ...insecure, DPoP })
    return oauth.processClientCredentialsResponse(server, service, response)
  }
  const { result, runs } = await withNonce(ask)
  expect(runs).toBe(2)
  expect(result.token_type).toBe('dpop')
  expect(decodeJwt(result.access_token).cnf).toEqual({ jkt: await DPoP.calculateThumbprint() })
  expect((await withNonce(ask)).runs).toBe(1)
})

test('an application in the browser binds code, refresh and calls to its key', async () => {
  const DPoP = await newHandle()
  const options = { ...insecure, DPoP }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const query = new URLSearchParams(authorizeParams(verifier, { state, scope: 'openid offline_access' }))
  let page = await person.browser.visit(`/oauth/authorize?${query}`)
  if (!page.location) page = await person.browser.submit(page, { decision: 'allow' }, '/oauth/consent')
  const params = oauth.validateAuthResponse(server, NATIVE, new URL(page.location ?? ''), state)

  const redeemed = await withNonce(async () => {
    const { redirect_uri } = NATIVE
    const none = oauth.None()
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      NATIVE,
      none,
      params,
      redirect_uri,
      verifier,
      options,
    )
    return oauth.processAuthorizationCodeResponse(server, NATIVE, response)
  })
  expect(redeemed.runs).toBe(2)
  const { access_token, refresh_token = '', token_type } = redeemed.result
  expect(token_type).toBe('dpop')
  const userinfo = await withNonce(async () => {
    const response = await oauth.userInfoRequest(server, NATIVE, access_token, options)
    return oauth.processUserInfoResponse(server, NATIVE, person.uai, response)
  })
  expect(userinfo.result.sub).toBe(person.uai)
  await expect(
    oauth
      .userInfoRequest(server, NATIVE, access_token, insecure)
      .then((response) => oauth.processUserInfoResponse(server, NATIVE, person.uai, response)),
  ).rejects.toThrow(oauth.WWWAuthenticateChallengeError)

  const refresh = async (by: oauth.DPoPHandle) => {
    const request = { ...insecure, DPoP: by }
    const response = await oauth.refreshTokenGrantRequest(server, NATIVE, oauth.None(), refresh_token, request)
    return oauth.processRefreshTokenResponse(server, NATIVE, response)
  }
  const thief = await newHandle()
  await expect(withNonce(() => refresh(thief))).rejects.toMatchObject({ error: 'invalid_grant' })
  expect((await withNonce(() => refresh(DPoP))).result.token_type).toBe('dpop')
})

test('K6 400 use_dpop_nonce at the token endpoint, 401 where a token is presented, each with a nonce', async () => {
  const htu = `${gateway.url}/oauth/token`
  const form = { grant_type: 'authorization_code', code: 'x'.repeat(64), code_verifier: 'y'.repeat(43), ...NATIVE }
  const ask = async (nonce?: string) =>
    post(gateway, '/oauth/token', form, { dpop: await dpopProof(key, { htm: 'POST', htu, nonce }) })
  const first = await ask()
  expect(first).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } })
  const nonce = first.headers.get('dpop-nonce') ?? ''
  expect(nonce).toMatch(/^[\w-]{43}$/)
  const ago = (seconds: number) => dpopNonce(gateway.gateway, new Date(Date.now() - seconds * 1000))
  expect(await ask(ago(299))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect(await ask(ago(601))).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } })
  expect(await ask('made up')).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } })
  expect(await ask(nonce)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })

  const DPoP = await newHandle(service)
  const auth = await byKey()
  const { result } = await withNonce(async () => {
    const response = await oauth.clientCredentialsGrantRequest(server, service, auth, {}, { ...insecure, DPoP })
    return oauth.processClientCredentialsResponse(server, service, response)
  })
  const other = await newSigningKey()
  const proof = await dpopProof(other, {
    htm: 'GET',
    htu: `${gateway.url}/oauth/userinfo`,
    accessToken: result.access_token,
  })
  const response = await fetch(`${gateway.url}/oauth/userinfo`, {
    headers: { authorization: `DPoP ${result.access_token}`, dpop: proof },
  })
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="use_dpop_nonce"/)
  expect(response.headers.get('dpop-nonce')).toMatch(/^[\w-]{43}$/)
})
