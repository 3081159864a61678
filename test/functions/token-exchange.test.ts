import { decodeJwt, type JWTPayload } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, type Body, type DirectSignIn, directSignIn } from '../support/api-keys.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { dpopProof, newSigningKey, type SigningKey } from '../support/proofs.ts'
import { getTokens, NATIVE, post, signIn, type Tokens } from '../support/sign-in.ts'

const API = 'https://api.lanonasis.com'
const MCP = 'https://mcp.lanonasis.com/mcp'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token'
const SECRET = 'a secret: +%'

const gateway = useGateway()
let ada: DirectSignIn
let key: SigningKey
beforeAll(async () => {
  const service = {
    token_endpoint_auth_method: 'client_secret_post' as const,
    grant_types: ['client_credentials', EXCHANGE],
    response_types: [],
    redirect_uris: [],
    scope: 'openid memories:read memories:write api-keys:read',
    default_scope: 'memories:read',
  }
  await addClient(gateway, 'api-gateway', { ...service, resources: [API], exchange_resources: [MCP] }, true)
  await addClient(gateway, 'key-manager', { ...service, resources: [MCP], exchange_resources: [API] })
  await addClient(gateway, 'unlisted', { ...service, resources: [API] })
  ada = await directSignIn(gateway)
  key = await newSigningKey()
})

const tokenUrl = () => `${gateway.url}/oauth/token`
const proofFor = (by: SigningKey) => dpopProof(by, { htm: 'POST', htu: tokenUrl() })
const exchange = (subject_token: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) => {
  const form = { client_id: 'api-gateway', client_secret: SECRET, grant_type: EXCHANGE, subject_token_type: ACCESS }
  return post(gateway, '/oauth/token', { ...form, subject_token, ...fields }, headers)
}
const introspect = async (token: string, fields: Record<string, string> = {}): Promise<Body> => {
  const by = { client_id: 'key-manager', client_secret: SECRET }
  return (await post(gateway, '/oauth/introspect', { token, ...by, ...fields })).body
}
const refused = (error: string, status = 400) => ({ status, body: { error } })
/** The same token with other claims, signed by the gateway itself. */
const resigned = (token: string, changes: JWTPayload) =>
  gateway.gateway.jwts.accessToken({ ...decodeJwt(token), ...changes })

describe('the subject token', () => {
  test('400 once it has expired, and for one that another user signed', async () => {
    const past = Math.floor(Date.now() / 1000) - 1
    expect(await exchange(await resigned(ada.token, { exp: past }))).toMatchObject(refused('invalid_request'))
    const [head, body] = ada.token.split('.')
    expect(await exchange(`${head}.${body}.${'A'.repeat(86)}`)).toMatchObject(refused('invalid_request'))
  })

  test('400 for an ID token, whatever token type is named', async () => {
    const { id_token = '' } = await getTokens(gateway, await signIn(gateway))
    for (const type of ['access_token', 'jwt']) {
      const subject_token_type = `urn:ietf:params:oauth:token-type:${type}`
      expect(await exchange(id_token, { subject_token_type })).toMatchObject(refused('invalid_request'))
    }
  })

  test('200 as a jwt too; its tokens end no later', async () => {
    const soon = Math.floor(Date.now() / 1000) + 30
    const subject = await resigned(ada.token, { exp: soon })
    const { status, body } = await exchange(subject, { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' })
    expect(status).toBe(200)
    expect(body.expires_in).toBeLessThanOrEqual(30)
    expect(decodeJwt(body.access_token).exp).toBe(soon)
  })

  test('is honoured when it says who may act', async () => {
    const mayAct = (sub: string) => resigned(ada.token, { may_act: { sub } } as JWTPayload)
    expect((await exchange(await mayAct('api-gateway'))).status).toBe(200)
    expect(await exchange(await mayAct('key-manager'))).toMatchObject(refused('invalid_request'))
  })
})

describe('the target', () => {
  test('200 for its registered spelling, whichever is asked for', async () => {
    const { body } = await exchange(ada.token, { resource: 'HTTPS://MCP.lanonasis.com:443/mcp/' })
    expect(decodeJwt(body.access_token).aud).toBe(MCP)
  })

  test('400 for everything when the client is registered for nothing', async () => {
    const asked: Record<string, string>[] = [{}, { resource: MCP }, { audience: API }]
    for (const extra of asked)
      expect(await exchange(ada.token, { client_id: 'unlisted', ...extra })).toMatchObject(refused('invalid_target'))
  })
})

describe('a token for another service', () => {
  let token: string
  beforeAll(async () => {
    const subject = await resigned(ada.token, { scope: 'openid memories:read api-keys:read' })
    token = (await exchange(subject)).body.access_token
    expect(decodeJwt(token)).toMatchObject({ aud: MCP, scope: 'openid memories:read api-keys:read' })
  })

  test.each([
    ['/v1/auth/me', 401],
    ['/v1/auth/session', 401],
    ['/api/v1/api-keys', 401],
    ['/v1/auth/sessions', 403],
  ])('%s refuses it: %i', async (path, status) => {
    expect((await api(gateway, 'GET', path, { token })).status).toBe(status)
  })

  test('200 at userinfo, with the claims of its scope alone', async () => {
    const { status, body } = await api(gateway, 'GET', '/oauth/userinfo', { token })
    expect({ status, body }).toEqual({ status: 200, body: { sub: ada.uai } })
  })

  test('opens no application and renews nothing', async () => {
    const opened = await api(gateway, 'GET', '/v1/auth/resolve?client_id=dashboard', { token })
    expect(opened.status).toBe(401)
    expect((await api(gateway, 'POST', '/v1/auth/refresh', { token, body: {} })).status).toBe(401)
    expect((await exchange(token, { grant_type: 'refresh_token', refresh_token: token })).status).toBe(400)
  })

  test('is revoked by the service it was given to, and by no other', async () => {
    const revoke = (client_id: string) => post(gateway, '/oauth/revoke', { token, client_id, client_secret: SECRET })
    expect((await revoke('key-manager')).body).toEqual({ revoked: false })
    expect((await introspect(token)).active).toBe(true)
    expect((await revoke('api-gateway')).body).toEqual({ revoked: true })
    expect(await introspect(token)).toEqual({ active: false })
  })

  test('20 at once make 20 tokens, and none outlives the sign-in, whether it was made before its end, with it or after', async () => {
    const person = await directSignIn(gateway)
    const twenty = () => Array.from({ length: 20 }, () => exchange(person.token))
    const before = await Promise.all(twenty())
    expect(before.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const [, ...meanwhile] = await Promise.all([
      api(gateway, 'POST', '/v1/auth/logout', { token: person.token }),
      ...twenty(),
    ])
    const made = [...before, ...meanwhile].filter(({ status }) => status === 200)
    const active = await Promise.all(made.map(({ body }) => introspect(body.access_token)))
    expect(active).toEqual(Array(made.length).fill({ active: false }))
    const refused = [...meanwhile, ...(await Promise.all(twenty()))].filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThanOrEqual(20)
    expect(refused.map(({ status, body }) => [status, body.error])).toEqual(
      Array(refused.length).fill([400, 'invalid_request']),
    )
  })
})

describe('a bound token', () => {
  let bound: Tokens
  beforeAll(async () => {
    const person = await signIn(gateway)
    const first = await getTokens(gateway, person)
    const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id: NATIVE.client_id }
    bound = (await post(gateway, '/oauth/token', form, { DPoP: await proofFor(key) })).body
    expect(decodeJwt(bound.access_token).cnf).toEqual({ jkt: key.jkt })
  })

  test('400 when it is to become a bearer token', async () => {
    expect(await exchange(bound.access_token)).toMatchObject(refused('invalid_request'))
  })

  test('200 when the service proves a key of its own', async () => {
    const own = await newSigningKey()
    const { status, body } = await exchange(bound.access_token, {}, { DPoP: await proofFor(own) })
    expect([status, body.token_type]).toEqual([200, 'DPoP'])
    expect(decodeJwt(body.access_token).cnf).toEqual({ jkt: own.jkt })
    expect(await introspect(body.access_token)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: own.jkt },
      act: { sub: 'api-gateway' },
    })
  })
})
