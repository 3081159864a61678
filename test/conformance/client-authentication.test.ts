import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ClientMetadata, PublicJwk } from '../../shared/domain/api-client.ts'
import { addClient, IP_HEADER, useGateway } from '../support/gateway.ts'
import { assertion, newSigningKey, type SigningKey, seconds } from '../support/proofs.ts'
import { post } from '../support/sign-in.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const gateway = useGateway()
let key: SigningKey

const SERVICE: Partial<ClientMetadata> = {
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope: 'memories:read',
}
const add = (clientId: string, metadata: Partial<ClientMetadata>, firstParty = false) =>
  addClient(gateway, clientId, { ...SERVICE, ...metadata }, firstParty)
const published = ({ jwk }: SigningKey, more: object = {}) => ({ keys: [{ ...jwk, ...more } as PublicJwk] })

beforeAll(async () => {
  key = await newSigningKey()
  await add('by-assertion', { token_endpoint_auth_method: 'private_key_jwt', jwks: published(key) }, true)
  await add('by-post', { token_endpoint_auth_method: 'client_secret_post' })
  await add('by-basic', { token_endpoint_auth_method: 'client_secret_basic' })
  await add('public', { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'client_credentials'] })
})

const grant = { grant_type: 'client_credentials' }
const token = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  post(gateway, '/oauth/token', { ...grant, ...form }, headers)
const asserted = async (changes: Record<string, unknown> = {}, header = {}, by = key) => ({
  client_assertion_type: JWT_BEARER,
  client_assertion: await assertion(by, { clientId: 'by-assertion', aud: gateway.url, ...changes }, header),
})
const SECRET = { client_secret: 'a secret: +%' }
const basic = (id: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent(SECRET.client_secret)}`).toString('base64')}`,
})
const refused = (error: string, status = 400) => ({ status, body: { error } })
const INVALID_CLIENT = refused('invalid_client', 401)

describe('A20 two mechanisms at once are invalid_request', () => {
  test.each(['an assertion and a secret', 'an assertion and Basic', 'a secret and Basic'])('%s', async (kind) => {
    const form = { ...(kind.includes('assertion') && (await asserted())), ...(kind.includes(' secret') && SECRET) }
    const headers = kind.includes('Basic') ? basic('by-assertion') : {}
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke'])
      expect(await post(gateway, path, { ...grant, token: 'x', ...form }, headers)).toMatchObject(
        refused('invalid_request'),
      )
  })

  const header = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const SAME = encodeURIComponent(SECRET.client_secret)

  test.each([
    ['the header and the same id in the body', 200, { client_id: 'by-basic' }, header('by-basic', SAME)],
    ['an empty secret in the body', 200, { client_id: 'by-basic', client_secret: '' }, header('by-basic', SAME)],
    ['a header that only names, and the secret in the body', 200, SECRET, header('by-post', '')],
    ['the same secret twice', 400, { client_id: 'by-basic', ...SECRET }, header('by-basic', SAME)],
    ['another id in the body', 400, { client_id: 'by-post' }, header('by-basic', SAME)],
  ])('one mechanism or not: %s is %i', async (_, status, form, headers) => {
    expect((await token(form, headers)).status).toBe(status)
  })

  test('a header that only names goes with an assertion', async () => {
    expect((await token(await asserted(), header('by-assertion', ''))).status).toBe(200)
  })

  test('half of an assertion', async () => {
    const { client_assertion, client_assertion_type } = await asserted()
    expect(await token({ client_assertion })).toMatchObject(refused('invalid_request'))
    expect(await token({ client_assertion_type, client_id: 'by-assertion' })).toMatchObject(refused('invalid_request'))
  })
})

describe('A22 a client authenticates as it is registered', () => {
  const code = { grant_type: 'authorization_code', code: 'x'.repeat(64), code_verifier: 'v'.repeat(43) }
  const header = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`,
  })

  test.each(['by-post', 'by-basic'])('%s by its secret, in the header or in the body', async (client_id) => {
    expect((await token({}, header(client_id, SECRET.client_secret))).status).toBe(200)
    expect((await token({ client_id, ...SECRET })).status).toBe(200)
    expect((await token({}, header(client_id, 'wrong'))).status).toBe(401)
    expect(await token({}, header(client_id, ''))).toMatchObject(INVALID_CLIENT)
    expect(await token({ client_id })).toMatchObject(INVALID_CLIENT)
  })

  test('a public client by its name, also in a header with an empty secret, and never with another', async () => {
    const goesOn = refused('invalid_grant')
    expect(await post(gateway, '/oauth/token', { ...code, client_id: 'public' })).toMatchObject(goesOn)
    expect(await post(gateway, '/oauth/token', code, header('public', ''))).toMatchObject(goesOn)
    expect(await post(gateway, '/oauth/token', code, header('public', 'x'))).toMatchObject(INVALID_CLIENT)
    expect(await post(gateway, '/oauth/token', { ...code, client_id: 'public', client_secret: 'x' })).toMatchObject(
      INVALID_CLIENT,
    )
    for (const path of ['/oauth/par', '/oauth/device'])
      expect((await post(gateway, path, {}, header('public', ''))).body.error).not.toBe('invalid_client')
  })

  test('an empty secret names a client and proves none', async () => {
    await add('public-of-ours', { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] }, true)
    const { access_token } = (await token({ client_id: 'by-post', ...SECRET })).body
    const seen = await post(gateway, '/oauth/introspect', { token: access_token }, header('public-of-ours', ''))
    const accept = { accept: 'application/token-introspection+jwt', ...header('public-of-ours', '') }
    const signed = await fetch(`${gateway.url}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: access_token }),
      headers: accept,
    })
    expect([seen.body.active, signed.headers.get('content-type')]).toEqual([true, 'application/json'])
  })

  test.each([
    'Basic',
    'Basic !!!',
    'Basic bm9jb2xvbg==',
    `Basic ${Buffer.from([0xff, 0x3a, 0x78]).toString('base64')}`,
    `Basic ${Buffer.from('by-basic:%zz').toString('base64')}`,
    `Basic ${Buffer.from(':secret').toString('base64')}`,
    'Basic a:b',
  ])('A23 401 with a challenge for %s', async (authorization) => {
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect', '/oauth/par', '/oauth/device']) {
      const answer = await post(gateway, path, { ...grant, token: 'x', client_id: 'by-basic' }, { authorization })
      expect([path, answer.status, answer.body.error]).toEqual([path, 401, 'invalid_client'])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
    }
  })

  test.each(['by-post', 'by-basic', 'public'])('%s not by a good assertion', async (clientId) => {
    expect(await token(await asserted({ clientId }))).toMatchObject(INVALID_CLIENT)
  })

  test('by assertion: not by secret, not by Basic, not by name alone', async () => {
    expect(await token({ client_id: 'by-assertion', ...SECRET })).toMatchObject(INVALID_CLIENT)
    expect(await token({ client_id: 'by-assertion' })).toMatchObject(INVALID_CLIENT)
    const answer = await token({}, basic('by-assertion'))
    expect(answer).toMatchObject(INVALID_CLIENT)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
  })
})

describe('M1 private_key_jwt', () => {
  test('200 with the client id in the body, in the assertion alone, and with the audience as a list of one', async () => {
    expect((await token({ ...(await asserted()), client_id: 'by-assertion' })).status).toBe(200)
    expect((await token(await asserted())).status).toBe(200)
    expect((await token(await asserted({ aud: [gateway.url] }))).status).toBe(200)
    expect((await token(await asserted({ iat: undefined }))).status).toBe(200)
  })

  test('200 at introspection and revocation as well', async () => {
    const { access_token } = (await token(await asserted())).body
    const look = async () => post(gateway, '/oauth/introspect', { token: access_token, ...(await asserted()) })
    expect((await look()).body).toMatchObject({ active: true, client_id: 'by-assertion' })
    const revoked = await post(gateway, '/oauth/revoke', { token: access_token, ...(await asserted()) })
    expect(revoked).toMatchObject({ status: 200, body: { revoked: true } })
    expect((await look()).body).toEqual({ active: false })
    const anonymous = { token: access_token, ...(await asserted({ aud: 'https://elsewhere.example' })) }
    expect(await post(gateway, '/oauth/introspect', anonymous)).toMatchObject(INVALID_CLIENT)
  })

  test.each(['ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'])('200 signed with %s', async (alg) => {
    const other = await newSigningKey(alg)
    const clientId = `by-${alg.toLowerCase()}`
    await add(clientId, {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: alg,
      jwks: published(other),
    })
    expect((await token(await asserted({ clientId }, {}, other))).status).toBe(200)
  })

  test.each(['JWT', 'client-authentication+jwt', 'jwt'])('M2 200 with type %s', async (typ) => {
    expect((await token(await asserted({}, { typ }))).status).toBe(200)
  })

  test.each(['dpop+jwt', 'at+jwt', 'logout+jwt', 'oauth-id-jag+jwt', 'secevent+jwt'])(
    'M2 401 with type %s',
    async (typ) => {
      expect(await token(await asserted({}, { typ }))).toMatchObject(INVALID_CLIENT)
    },
  )

  const bad: [string, () => Record<string, unknown>][] = [
    ['aud is the token endpoint', () => ({ aud: `${gateway.url}/oauth/token` })],
    ['aud is the issuer with a slash', () => ({ aud: `${gateway.url}/` })],
    ['aud is the issuer and another', () => ({ aud: [gateway.url, 'https://other.example'] })],
    ['aud is the issuer and the token endpoint', () => ({ aud: [gateway.url, `${gateway.url}/oauth/token`] })],
    ['aud is an empty list', () => ({ aud: [] })],
    ['aud is missing', () => ({ aud: undefined })],
    ['iss is another', () => ({ iss: 'by-post' })],
    ['iss is missing', () => ({ iss: undefined })],
    ['sub is missing', () => ({ sub: undefined })],
    ['exp is missing', () => ({ exp: undefined })],
    ['exp has passed', () => ({ exp: seconds() - 15 })],
    ['exp is ten minutes ahead', () => ({ exp: seconds() + 600 })],
    ['iat is a minute ahead', () => ({ iat: seconds() + 60 })],
    ['iat is of yesterday', () => ({ iat: seconds() - 86_400 })],
    ['nbf is a minute ahead', () => ({ nbf: seconds() + 60 })],
    ['jti is missing', () => ({ jti: undefined })],
    ['jti is empty', () => ({ jti: '' })],
    ['jti is a number', () => ({ jti: 7 })],
  ]
  test.each(bad)('401 when %s', async (_, changes) => {
    expect(await token({ ...(await asserted(changes())), client_id: 'by-assertion' })).toMatchObject(INVALID_CLIENT)
  })

  test('200 when a clock is a few seconds off', async () => {
    expect((await token(await asserted({ iat: seconds() + 8, nbf: seconds() + 8 }))).status).toBe(200)
    expect((await token(await asserted({ exp: seconds() - 5 }))).status).toBe(200)
  })

  test('401 by another key, also one that the header contains or links to', async () => {
    const other = await newSigningKey()
    const tempting = [{}, { jwk: other.jwk }, { jku: 'https://keys.example/jwks' }, { x5u: 'https://keys.example/x' }]
    for (const header of tempting) expect(await token(await asserted({}, header, other))).toMatchObject(INVALID_CLIENT)
  })

  test('401 unsigned, with a symmetric algorithm, changed, of another kind, or for another client id', async () => {
    const good = await asserted()
    const [head = '', payload = '', signature = ''] = good.client_assertion.split('.')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = decodeJwt(good.client_assertion)
    const wrong = [
      `${encode({ alg: 'none' })}.${payload}.`,
      `${encode({ alg: 'HS256' })}.${payload}.${signature}`,
      `${head}.${encode({ ...claims, jti: 'mine' })}.${signature}`,
      'junk',
      'a.b.c',
    ]
    for (const client_assertion of wrong)
      expect(await token({ ...good, client_assertion })).toMatchObject(INVALID_CLIENT)
    const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'
    expect(await token({ ...good, client_assertion_type: saml })).toMatchObject(INVALID_CLIENT)
    expect(await token({ ...good, client_id: 'by-post' })).toMatchObject(INVALID_CLIENT)
    expect((await token(good)).status).toBe(200)
  })

  test('401 with another algorithm than the registered one, and with a key that is for encryption', async () => {
    const rsa = await newSigningKey('RS256')
    const method = { token_endpoint_auth_method: 'private_key_jwt' as const }
    await add('only-ps', { ...method, token_endpoint_auth_signing_alg: 'PS256', jwks: published(rsa) })
    expect(await token(await asserted({ clientId: 'only-ps' }, {}, rsa))).toMatchObject(INVALID_CLIENT)
    await add('encrypts', { ...method, jwks: published(rsa, { use: 'enc' }) })
    expect(await token(await asserted({ clientId: 'encrypts' }, {}, rsa))).toMatchObject(INVALID_CLIENT)
  })

  test('200 with either of two keys while one is being replaced', async () => {
    const next = await newSigningKey()
    const keys = [...published(key, { kid: 'old' }).keys, ...published(next, { kid: 'new' }).keys]
    await add('rotating', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } })
    const as = (header: object, by: SigningKey) => asserted({ clientId: 'rotating' }, header, by)
    expect((await token(await as({ kid: 'old' }, key))).status).toBe(200)
    expect((await token(await as({ kid: 'new' }, next))).status).toBe(200)
    expect((await token(await as({}, next))).status).toBe(200)
    expect(await token(await as({ kid: 'old' }, next))).toMatchObject(INVALID_CLIENT)
  })

  test('200 with keys behind a jwks_uri, which is asked neither for a hopeless assertion nor twice; 401 when it cannot be read', async () => {
    let asked = 0
    const server = createServer((_, response) => {
      asked++
      response.end(JSON.stringify(published(key, { kid: 'one' })))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const jwks_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
    await add('by-uri', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri })
    const as = (header: object = {}) => asserted({ clientId: 'by-uri' }, { kid: 'one', ...header })
    expect(await token(await as({ typ: 'at+jwt' }))).toMatchObject(INVALID_CLIENT)
    expect(asked).toBe(0)
    for (let times = 0; times < 3; times++) expect((await token(await as())).status).toBe(200)
    expect(asked).toBe(1)
    await new Promise((resolve) => server.close(resolve))
    await add('by-dead-uri', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `${jwks_uri}2` })
    expect(await token(await asserted({ clientId: 'by-dead-uri' }))).toMatchObject(INVALID_CLIENT)
  })

  test('401 the second time, one 200 of twenty at once, and another client may use the same id', async () => {
    const once = await asserted()
    expect((await token(once)).status).toBe(200)
    expect(await token(once)).toMatchObject(INVALID_CLIENT)
    const parallel = await asserted({ jti: 'the same id' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => token(parallel)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)])
    await add('another', { token_endpoint_auth_method: 'private_key_jwt', jwks: published(key) })
    expect((await token(await asserted({ clientId: 'another', jti: 'the same id' }))).status).toBe(200)
  })

  test('a forged assertion takes no id', async () => {
    const jti = 'taken by its client alone'
    expect((await token(await asserted({ jti }, {}, await newSigningKey()))).status).toBe(401)
    expect((await token(await asserted({ jti }))).status).toBe(200)
  })

  test('A24 429 after twenty failures from one address, elsewhere nothing', async () => {
    await add('guessed', { token_endpoint_auth_method: 'private_key_jwt', jwks: published(key) })
    const from = { [IP_HEADER]: '192.0.2.44' }
    const wrong = await asserted({ clientId: 'guessed', aud: 'https://elsewhere.example' })
    for (let tries = 0; tries < 20; tries++) expect((await token(wrong, from)).status).toBe(401)
    expect((await token(await asserted({ clientId: 'guessed' }), from)).status).toBe(429)
    expect((await token(await asserted({ clientId: 'guessed' }))).status).toBe(200)
  })

  test('the response is the same for every error', async () => {
    const unknown = await token(await asserted({ clientId: 'nobody' }))
    const expired = await token(await asserted({ exp: seconds() - 60 }))
    expect(unknown.text).toBe(expired.text)
  })
})
