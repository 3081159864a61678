import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { dpopProof, newSigningKey, type SigningKey, seconds } from '../support/proofs.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  NATIVE,
  newVerifier,
  passSignIn,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const MTLS = 'https://mtls.auth.example'
const gateway = useGateway({ env: { MTLS_BASE_URL: MTLS } })
let key: SigningKey
let person: SignedInBrowser
beforeAll(async () => {
  key = await newSigningKey()
  const service = {
    token_endpoint_auth_method: 'client_secret_post' as const,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'memories:read',
  }
  await addClient(gateway, 'service', service)
  await addClient(gateway, 'always-bound', { ...service, dpop_bound_access_tokens: true })
  await addClient(gateway, 'resource-server', service, true)
  person = await signIn(gateway)
})

const secret = { client_secret: 'a secret: +%' }
const tokenUrl = () => `${gateway.url}/oauth/token`
const proof = (changes: Record<string, unknown> = {}, header = {}, by = key) =>
  dpopProof(by, { htm: 'POST', htu: tokenUrl(), ...changes }, header)
const ask = (dpop?: string, client_id = 'service') =>
  post(
    gateway,
    '/oauth/token',
    { grant_type: 'client_credentials', client_id, ...secret },
    dpop === undefined ? {} : { dpop },
  )
const boundToken = async () => (await ask(await proof())).body.access_token as string
const introspect = (token: string, extra: Record<string, string> = {}) =>
  post(gateway, '/oauth/introspect', { token, client_id: 'resource-server', ...secret, ...extra })

describe('K1 K2 a proof at the token endpoint', () => {
  test('binds the token to its key, and says so at introspection', async () => {
    const { status, body } = await ask(await proof())
    expect(status).toBe(200)
    expect(body.token_type).toBe('DPoP')
    expect(decodeJwt(body.access_token).cnf).toEqual({ jkt: key.jkt })
    expect((await introspect(body.access_token)).body).toMatchObject({ token_type: 'DPoP', cnf: { jkt: key.jkt } })
  })

  test('without one the token is a bearer token', async () => {
    const { body } = await ask()
    expect(body.token_type).toBe('Bearer')
    expect(decodeJwt(body.access_token).cnf).toBeUndefined()
  })

  test.each(['ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'])('K1 may be signed with %s', async (alg) => {
    const other = await newSigningKey(alg)
    expect((await ask(await proof({}, {}, other))).body.token_type).toBe('DPoP')
  })

  const good: [string, () => Record<string, unknown>][] = [
    ['with query and fragment', () => ({ htu: `${tokenUrl()}?a=b#c` })],
    ['in upper-case scheme and host', () => ({ htu: tokenUrl().replace('http:', 'HTTP:') })],
    ['of the mirror', () => ({ htu: `${gateway.url}/api/v1/oauth/token` })],
    ['of the host for client certificates', () => ({ htu: `${MTLS}/oauth/token` })],
    ['50 seconds old', () => ({ iat: seconds() - 50 })],
    ['8 seconds ahead', () => ({ iat: seconds() + 8 })],
  ]
  test.each(good)('200 for the address %s', async (_, changes) => {
    expect((await ask(await proof(changes()))).status).toBe(200)
  })

  const bad: [string, () => Record<string, unknown>, Record<string, unknown>?][] = [
    ['K1 for another method', () => ({ htm: 'GET' })],
    ['K1 for another path', () => ({ htu: `${gateway.url}/oauth/revoke` })],
    ['K2 for the Host of the request', () => ({ htu: 'http://evil.example/oauth/token' })],
    ['K1 for no address', () => ({ htu: undefined })],
    ['K1 without a method', () => ({ htm: undefined })],
    ['K1 without a time', () => ({ iat: undefined })],
    ['K1 of 70 seconds ago', () => ({ iat: seconds() - 70 })],
    ['K1 of 20 seconds ahead', () => ({ iat: seconds() + 20 })],
    ['K1 without an id', () => ({ jti: undefined })],
    ['K1 with an empty id', () => ({ jti: '' })],
    ['K1 that has expired', () => ({ exp: seconds() - 30 })],
    ['K1 of type JWT', () => ({}), { typ: 'JWT' }],
    ['K1 without a type', () => ({}), { typ: undefined }],
    ['K1 without a key', () => ({}), { jwk: undefined }],
    [
      'K1 that asks for an unknown extension',
      () => ({}),
      { crit: ['urn:example:extension'], 'urn:example:extension': 1 },
    ],
  ]
  test.each(bad)('400 invalid_dpop_proof for one %s', async (_, changes, header) => {
    const answer = await ask(await proof(changes(), header))
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
  })

  test('400 with a private key, another key, a symmetric or no algorithm, a changed claim, two proofs, or junk', async () => {
    const other = await newSigningKey()
    const [head = '', payload = '', signature = ''] = (await proof()).split('.')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const header = JSON.parse(Buffer.from(head, 'base64url').toString())
    const wrong = [
      await proof({}, { jwk: key.privateJwk }),
      await proof({}, { jwk: { ...key.jwk, p: 'AAAA' } }),
      await proof({}, { jwk: other.jwk }),
      `${encode({ ...header, alg: 'none' })}.${payload}.`,
      `${encode({ ...header, alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } })}.${payload}.${signature}`,
      `${head}.${encode({ ...claims, iat: seconds() + 1 })}.${signature}`,
      `${await proof()}, ${await proof()}`,
      'junk',
      `${head}.${payload}.${signature}${'A'.repeat(5000)}`,
    ]
    for (const one of wrong)
      expect(await ask(one)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
  })
})

describe('K3 once', () => {
  test('the same proof again is refused', async () => {
    const one = await proof()
    expect((await ask(one)).status).toBe(200)
    expect(await ask(one)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
  })

  test('of 20 at once one passes', async () => {
    const one = await proof()
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(one)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(400)])
  })

  test('the id belongs to its key', async () => {
    const other = await newSigningKey()
    const jti = 'the same id'
    expect((await ask(await proof({ jti }))).status).toBe(200)
    expect((await ask(await proof({ jti }, {}, other))).status).toBe(200)
  })

  test('a client that fails to authenticate takes no id', async () => {
    const one = await proof()
    const form = { grant_type: 'client_credentials', client_id: 'service', client_secret: 'wrong' }
    expect((await post(gateway, '/oauth/token', form, { dpop: one })).status).toBe(401)
    expect((await ask(one)).status).toBe(200)
  })
})

describe('K4 the code flow of a public client', () => {
  const codeOf = async (changes: Record<string, string> = {}) => {
    const verifier = newVerifier()
    const params = authorizeParams(verifier, { scope: 'openid offline_access', ...changes })
    const code = (await authorize(person.browser, params)).get('code') ?? ''
    return { grant_type: 'authorization_code', code, code_verifier: verifier, ...NATIVE }
  }
  const redeem = async (form: Record<string, string>, by?: SigningKey) =>
    post(gateway, '/oauth/token', form, by ? { dpop: await proof({}, {}, by) } : {})

  test('K4 the refresh token is bound to the key; another key or none is refused and changes nothing', async () => {
    const { body } = await redeem(await codeOf(), key)
    expect(body.token_type).toBe('DPoP')
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id: NATIVE.client_id }
    expect(await redeem(form, await newSigningKey())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await redeem(form)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
    const renewed = await redeem(form, key)
    expect(renewed).toMatchObject({ status: 200, body: { token_type: 'DPoP' } })
    expect(decodeJwt(renewed.body.access_token).cnf).toEqual({ jkt: key.jkt })
  })
})

describe('K5 dpop_jkt', () => {
  test('binds the code: 400 without a proof or by another key, 200 by its own, also after signing in on the way', async () => {
    const verifier = newVerifier()
    const browser = createBrowser(gateway)
    const params = authorizeParams(verifier, { dpop_jkt: key.jkt, scope: 'openid' })
    const signInPage = await browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
    let page = await passSignIn(gateway, browser, signInPage, newEmail())
    if (!page.location) page = await browser.submit(page, { decision: 'allow' }, '/oauth/consent')
    const code = new URL(page.location ?? '').searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, ...NATIVE }
    const redeem = async (by?: SigningKey) =>
      post(gateway, '/oauth/token', form, by ? { dpop: await proof({}, {}, by) } : {})
    expect(await redeem()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await redeem(await newSigningKey())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await redeem(key)).toMatchObject({ status: 200, body: { token_type: 'DPoP' } })
  })

  test.each(['short', 'x'.repeat(44), `${'x'.repeat(42)}=`])('a malformed one is invalid_request: %s', async (jkt) => {
    const params = authorizeParams(newVerifier(), { dpop_jkt: jkt })
    expect((await authorize(person.browser, params)).get('error')).toBe('invalid_request')
  })
})

test('K8 a client that must prove a key is refused without', async () => {
  expect(await ask(undefined, 'always-bound')).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
  expect((await ask(await proof(), 'always-bound')).status).toBe(200)
})

describe('K7 a bound token', () => {
  let token: string
  beforeAll(async () => {
    const verifier = newVerifier()
    const params = authorizeParams(verifier, { scope: 'openid' })
    const code = (await authorize(person.browser, params)).get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, ...NATIVE }
    token = (await post(gateway, '/oauth/token', form, { dpop: await proof() })).body.access_token
  })
  const userinfo = (headers: Record<string, string>) =>
    fetch(`${gateway.url}/oauth/userinfo`, { headers: { [IP_HEADER]: randomIp(), ...headers } })
  const toUserinfo = (changes = {}, by = key) =>
    dpopProof(by, { htm: 'GET', htu: `${gateway.url}/oauth/userinfo`, accessToken: token, ...changes })
  const asDpop = async (dpop: string | Promise<string>) =>
    userinfo({ authorization: `DPoP ${token}`, dpop: await dpop })

  test('200 with a proof for it', async () => {
    const response = await asDpop(toUserinfo())
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ sub: person.uai })
  })

  test('401 as Bearer, with a challenge for a proof', async () => {
    const proven = await toUserinfo()
    for (const headers of [{}, { dpop: proven }] as Record<string, string>[]) {
      const response = await userinfo({ authorization: `Bearer ${token}`, ...headers })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token", algs="ES256 /)
    }
  })

  test('401 without a proof, without ath, for another token, by another key, and the second time', async () => {
    expect((await userinfo({ authorization: `DPoP ${token}` })).status).toBe(401)
    expect((await asDpop(toUserinfo({ accessToken: undefined }))).status).toBe(401)
    expect((await asDpop(toUserinfo({ accessToken: 'another' }))).status).toBe(401)
    expect((await asDpop(toUserinfo({}, await newSigningKey()))).status).toBe(401)
    const once = await toUserinfo()
    expect((await asDpop(once)).status).toBe(200)
    const again = await asDpop(once)
    expect(again.status).toBe(401)
    expect(again.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof"/)
  })

  test('an unbound token as DPoP is refused', async () => {
    const verifier = newVerifier()
    const code = (await authorize(person.browser, authorizeParams(verifier, { scope: 'openid' }))).get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, ...NATIVE }
    const bearer = (await post(gateway, '/oauth/token', form)).body.access_token
    const dpop = await toUserinfo({ accessToken: bearer })
    expect((await userinfo({ authorization: `DPoP ${bearer}`, dpop })).status).toBe(401)
    expect((await userinfo({ authorization: `Bearer ${bearer}` })).status).toBe(200)
  })

  test('a browser application may send proofs and read challenges', async () => {
    const origin = 'https://app.lanonasis.com'
    const preflight = await fetch(tokenUrl(), {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'dpop' },
    })
    expect(preflight.headers.get('access-control-allow-headers')).toBe('dpop')
    const exposed = preflight.headers.get('access-control-expose-headers')
    expect(exposed).toMatch(/DPoP-Nonce/)
    expect(exposed).toMatch(/WWW-Authenticate/)
  })
})

describe('K7 what a resource server forwards', () => {
  const htu = 'https://api.lanonasis.com/memories'
  const forward = async (token: string, changes: Record<string, unknown> = {}, by = key) => ({
    dpop_htm: 'GET',
    dpop_htu: htu,
    dpop_proof: await dpopProof(by, { htm: 'GET', htu, accessToken: token, ...changes }),
  })

  test('is checked at introspection', async () => {
    const token = await boundToken()
    const active = async (extra: Record<string, string>) => (await introspect(token, extra)).body.active
    expect(await active(await forward(token))).toBe(true)
    const once = await forward(token)
    expect([await active(once), await active(once)]).toEqual([true, false])
    expect(await active(await forward(token, { htu: `${htu}/other` }))).toBe(false)
    expect(await active(await forward(token, { accessToken: 'another' }))).toBe(false)
    expect(await active(await forward(token, {}, await newSigningKey()))).toBe(false)
  })
})
