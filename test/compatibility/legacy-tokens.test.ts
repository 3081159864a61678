import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'
import { getTokens, post, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const SECRET = 'a secret that the old API server shares with us'
const key = new TextEncoder().encode(SECRET)
const API = 'https://api.lanonasis.com'

const gateway = useGateway({ env: { LEGACY_TOKEN_SECRET: SECRET, LEGACY_TOKEN_CLIENTS: `auth-tester=${API}` } })
let person: SignedInBrowser
beforeAll(async () => {
  person = await signIn(gateway)
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('3.2: a listed client gets HS256 tokens for that resource alone, with what the old server reads', async () => {
  const { access_token } = await getTokens(gateway, person, { resource: API, scope: 'memories:read' })
  expect(decodeProtectedHeader(access_token)).toEqual({ alg: 'HS256', typ: 'JWT' })
  const { payload } = await jwtVerify(access_token, key, { issuer: gateway.url, audience: API })
  expect(payload).toMatchObject({ sub: person.uai, email: person.email, role: 'user', plan: 'free', aud: API })
})

test('4xx: the gateway accepts none of them at any endpoint', async () => {
  const { access_token: token } = await getTokens(gateway, person, { resource: API, scope: 'memories:read' })
  expect((await fetch(`${gateway.url}/v1/auth/me`, { headers: bearer(token) })).status).toBe(401)
  expect((await fetch(`${gateway.url}/oauth/userinfo`, { headers: bearer(token) })).status).toBe(401)
  expect((await postJson(gateway, '/v1/auth/verify', {}, bearer(token))).status).toBe(401)
  expect((await postJson(gateway, '/v1/auth/verify-token', { token })).body.valid).toBe(false)
  expect((await post(gateway, '/oauth/introspect', { token })).body).toEqual({ active: false })
})

test('401: who knows the secret cannot make a token of ours, under any header', async () => {
  const { access_token } = await getTokens(gateway, person, { resource: gateway.url })
  const { kid } = decodeProtectedHeader(access_token)
  const claims = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())
  for (const header of [
    { alg: 'HS256', typ: 'at+jwt', kid },
    { alg: 'HS256', typ: 'at+jwt' },
  ]) {
    const forged = await new SignJWT(claims).setProtectedHeader(header).sign(key)
    expect((await fetch(`${gateway.url}/v1/auth/me`, { headers: bearer(forged) })).status).toBe(401)
  }
})

test('200: for another resource, the gateway itself among them, and for every other client, tokens are as ever', async () => {
  const { access_token } = await getTokens(gateway, person, { resource: gateway.url })
  expect(decodeProtectedHeader(access_token).alg).toBe('ES256')
  expect((await fetch(`${gateway.url}/v1/auth/me`, { headers: bearer(access_token) })).status).toBe(200)
  const other = { client_id: 'partner-sandbox', redirect_uri: 'http://127.0.0.1:3000/callback', scope: 'memories:read' }
  const { access_token: foreign } = await getTokens(gateway, person, { ...other, resource: API })
  expect(decodeProtectedHeader(foreign).alg).toBe('ES256')
})
