import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../support/connections.ts'
import { addClient, eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { addResource } from '../support/mcp-server.ts'
import { post, postJson, signIn } from '../support/sign-in.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const RESOURCE = 'https://notes.example/mcp'
const key = await generateKeyPair('ES256', { extractable: true })
const other = await generateKeyPair('ES256', { extractable: true })

const gateway = useGateway()
let issuer: string
let agent: Awaited<ReturnType<typeof addClient>>
const server = createServer(async (request, response) => {
  response.setHeader('content-type', 'application/json')
  if (request.url === '/jwks')
    response.end(JSON.stringify({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'k', alg: 'ES256' }] }))
  else
    response.end(
      JSON.stringify({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
      }),
    )
})
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await addResource(gateway, RESOURCE, ['mcp:connect'])
  await connect(gateway, { slug: 'acme', issuer, client_id: 'us', id_jag: true, trust_email: true })
  agent = await addClient(gateway, 'enterprise-agent', {
    grant_types: [GRANT],
    redirect_uris: [],
    scope: 'mcp:connect memories:read',
  })
})
afterAll(async () => {
  server.close()
})

const now = () => Math.floor(Date.now() / 1000)
const claimsOf = (changes: Record<string, unknown> = {}) => ({
  iss: issuer,
  sub: 'employee-1',
  aud: gateway.url,
  client_id: 'enterprise-agent',
  resource: RESOURCE,
  scope: 'mcp:connect memories:read memories:write',
  jti: crypto.randomUUID(),
  iat: now(),
  exp: now() + 120,
  ...changes,
})
const assertionOf = (changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}, signer = key) =>
  new SignJWT(claimsOf(changes))
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'oauth-id-jag+jwt', ...header })
    .sign(signer.privateKey)
const basic = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')}`,
})
const exchange = (assertion: string, fields: Record<string, string> = {}, client = agent) =>
  post(gateway, '/oauth/token', { grant_type: GRANT, assertion, ...fields }, basic(client))

describe('M3 enterprise-managed authorization', () => {
  test('200: what the enterprise allows, the client may and asks for; for the resource alone, and nothing to refresh', async () => {
    const { status, body } = await exchange(await assertionOf())
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'mcp:connect memories:read' })
    expect(body.refresh_token).toBeUndefined()
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: RESOURCE, client_id: 'enterprise-agent' })
    const again = await exchange(await assertionOf(), { scope: 'memories:read', resource: RESOURCE })
    expect(again.body.scope).toBe('memories:read')
    expect(decodeJwt(again.body.access_token).sub).toBe(decodeJwt(body.access_token).sub)
    expect((await postJson(gateway, '/v1/auth/verify-token', { token: body.access_token })).body).toMatchObject({
      valid: true,
    })
    const [session] = (await eventsOf(gateway, 'session')).slice(-1)
    expect(session?.data).toMatchObject({ method: 'id-jag', provenBy: { type: 'connection' } })
  })

  test('the person is the one who signs in with the same account by SSO, and a suspended one is refused', async () => {
    const email = newEmail('employee')
    const { body } = await exchange(await assertionOf({ sub: 'employee-2', email, email_verified: true }))
    const uai = decodeJwt(body.access_token).sub
    expect((await signIn(gateway, email)).uai).toBe(uai)
    const grace = await signIn(gateway)
    const refused = await exchange(await assertionOf({ sub: 'employee-3', email: grace.email, email_verified: true }))
    expect(refused.body.error).toBe('invalid_grant')
  })

  test('counts once, of 20 at the same time one', async () => {
    const assertion = await assertionOf()
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(assertion)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19)
  })

  test.each([
    ['another audience', { aud: 'https://elsewhere.example' }],
    ['the token endpoint as audience', { aud: () => `${gateway.url}/oauth/token` }],
    ['two audiences', { aud: () => [gateway.url, 'https://elsewhere.example'] }],
    ['another client', { client_id: 'somebody-else' }],
    ['an unknown resource', { resource: 'https://elsewhere.example' }],
    ['no resource', { resource: undefined }],
    ['an issuer that is not trusted', { iss: 'https://evil.example' }],
    ['no subject', { sub: undefined }],
    ['no jti', { jti: undefined }],
    ['no expiry', { exp: undefined }],
    ['an expiry that is over', { exp: () => now() - 60, iat: () => now() - 120 }],
    ['a life of an hour', { exp: () => now() + 3600 }],
    ['a time in the future', { iat: () => now() + 600, exp: () => now() + 660 }],
  ])('400 invalid_grant for %s', async (_name, changes) => {
    const made = Object.fromEntries(
      Object.entries(changes).map(([name, one]) => [name, typeof one === 'function' ? one() : one]),
    )
    expect(await exchange(await assertionOf(made))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('400 for another type, another key, a symmetric algorithm, none, and what is no assertion', async () => {
    const symmetric = new SignJWT(claimsOf())
      .setProtectedHeader({ alg: 'HS256', typ: 'oauth-id-jag+jwt' })
      .sign(Buffer.alloc(32, 1))
    const parts = (await assertionOf()).split('.')
    const none = `${Buffer.from('{"alg":"none","typ":"oauth-id-jag+jwt"}').toString('base64url')}.${parts[1]}.`
    const bad = [
      await assertionOf({}, { typ: 'JWT' }),
      await assertionOf({}, { typ: 'at+jwt' }),
      await assertionOf({}, {}, other),
      await symmetric,
      none,
      'junk',
      'a.b.c',
    ]
    for (const assertion of bad)
      expect(await exchange(assertion)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await exchange('')).body.error).toBe('invalid_request')
  })

  test('400 and 401 for a client without the grant, a public one, a wrong secret, and a scope beyond', async () => {
    const without = await addClient(gateway, 'no-grant')
    expect((await exchange(await assertionOf({ client_id: 'no-grant' }), {}, without)).body.error).toBe(
      'unauthorized_client',
    )
    expect((await exchange(await assertionOf(), {}, { ...agent, client_secret: 'wrong' })).status).toBe(401)
    expect((await exchange(await assertionOf(), { scope: 'memories:write' })).body.error).toBe('invalid_scope')
    expect((await exchange(await assertionOf(), { resource: 'https://api.lanonasis.com' })).body.error).toBe(
      'invalid_target',
    )
  })

  test('the metadata says so', async () => {
    const metadata = await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)).json()
    expect(metadata.grant_types_supported).toContain(GRANT)
    expect(metadata.authorization_grant_profiles_supported).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag'])
  })

  test('502 and not a verdict while the issuer cannot be reached', async () => {
    await connect(gateway, { slug: 'gone', issuer: 'http://127.0.0.1:9', client_id: 'us', id_jag: true })
    const answer = await exchange(await assertionOf({ iss: 'http://127.0.0.1:9' }))
    expect([answer.status, answer.body.error]).toEqual([502, 'server_error'])
  })
})
