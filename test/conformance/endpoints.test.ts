import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, useGateway } from '../support/gateway.ts'
import { getTokens, NATIVE, post, type SignedInBrowser, signIn, type Tokens } from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
let tokens: Tokens
const secretOf = (id: string, secret = 'a secret: +%') => ({
  authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`,
})

beforeAll(async () => {
  await addClient(gateway, 'resource-server', {}, true)
  await addClient(gateway, 'resource-server-es256', { introspection_signed_response_alg: 'ES256' }, true)
  await addClient(gateway, 'stranger')
  person = await signIn(gateway)
  tokens = await getTokens(gateway, person, { nonce: 'a nonce', scope: 'openid profile email offline_access' })
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers })
const json = async (path: string) => (await get(path)).json()
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const introspect = (token: string, extra: Record<string, string> = {}, headers?: Record<string, string>) =>
  post(gateway, '/oauth/introspect', { token, ...extra }, headers)

const DISCOVERY = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

describe.each(DISCOVERY)('F %s', (path) => {
  test('F1 F2 is public JSON with the configured issuer, whatever the Host header says', async () => {
    const response = await get(path, { 'x-forwarded-host': 'evil.example', origin: 'https://anything.example' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const metadata = await response.json()
    expect(metadata.issuer).toBe(gateway.url)
    expect(decodeJwt(tokens.access_token).iss).toBe(metadata.issuer)
  })

  test('F3 F4 lists what works, and no empty list', async () => {
    const metadata = await json(path)
    for (const [name, value] of Object.entries(metadata)) if (Array.isArray(value)) expect(value, name).not.toEqual([])
    expect(metadata).toMatchObject({
      response_types_supported: ['code'],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      authorization_response_iss_parameter_supported: true,
    })
    for (const [name, value] of Object.entries(metadata)) {
      if (!/_(endpoint|uri)$/.test(name)) continue
      expect(String(value), name).toMatch(new RegExp(`^${gateway.url}/`))
      const answer = await fetch(String(value), { method: 'POST', headers: { accept: 'application/json' } })
      expect(answer.status, name).not.toBe(404)
    }
  })

  test('B3 F5 says S256, public and pairwise subjects and RS256', async () => {
    expect(await json(path)).toMatchObject({
      code_challenge_methods_supported: ['S256'],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  })

  test('A34 M4 names no implicit or password grant and no shared-secret assertion', async () => {
    expect(JSON.stringify(await json(path))).not.toMatch(/implicit|password|client_secret_jwt/)
  })
})

test('A44 forwarded headers that are not configured are ignored', async () => {
  const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' }
  const page = await (await get('/web/login', forged)).text()
  expect(page).not.toContain('evil.example')
  const client = { 'client-cert': ':AAAA:', 'x-ssl-client-verify': 'SUCCESS', 'x-uai-auth-id': person.uai }
  expect((await get('/v1/auth/resolve', client)).status).toBe(401)
})

describe('E1 E2 revocation', () => {
  const revoke = (token: string, extra: Record<string, string> = {}, headers?: Record<string, string>) =>
    post(gateway, '/oauth/revoke', { token, ...extra }, headers)
  const mine = { client_id: NATIVE.client_id }

  test('E1 E2 an unknown token is 200 with a JSON body', async () => {
    const answer = await revoke('unknown', mine)
    expect(answer).toMatchObject({ status: 200, body: { revoked: false } })
    expect(answer.headers.get('content-type')).toContain('application/json')
  })

  test('E1 another client revokes nothing and learns nothing', async () => {
    const victim = await getTokens(gateway, person)
    expect(await revoke(victim.refresh_token, { client_id: 'lanonasis-cli' })).toMatchObject({
      status: 200,
      body: { revoked: false },
    })
    expect(await revoke(victim.refresh_token, {}, secretOf('stranger'))).toMatchObject({ status: 200 })
    expect((await introspect(victim.access_token)).body.active).toBe(true)
  })

  test('E1 a refresh token takes its access tokens along; an access token goes alone; the hint is only a hint', async () => {
    const one = await getTokens(gateway, person)
    await revoke(one.access_token, { ...mine, token_type_hint: 'refresh_token' })
    expect((await introspect(one.access_token)).body).toEqual({ active: false })
    const refresh = (token: string) =>
      post(gateway, '/oauth/token', { ...mine, grant_type: 'refresh_token', refresh_token: token })
    const { status, body: two } = await refresh(one.refresh_token)
    expect(status).toBe(200)
    await revoke(two.refresh_token, { ...mine, token_type_hint: 'nonsense' })
    expect((await introspect(two.access_token)).body).toEqual({ active: false })
    expect((await refresh(two.refresh_token)).body.error).toBe('invalid_grant')
  })

  test('E1 a confidential client must authenticate', async () => {
    expect(await revoke('x', { client_id: 'stranger' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
  })

  test('E1 a missing token is invalid_request', async () => {
    expect(await post(gateway, '/oauth/revoke', mine)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    })
  })
})

describe('E3-E5 introspection', () => {
  test('E3 a client that authenticates sees its own tokens, a resource server of ours all, a stranger none', async () => {
    expect((await introspect(tokens.access_token, {}, secretOf('resource-server'))).body.active).toBe(true)
    expect((await introspect(tokens.access_token, {}, secretOf('stranger'))).body).toEqual({ active: false })
    expect(await introspect(tokens.access_token, {}, secretOf('stranger', 'wrong'))).toMatchObject({ status: 401 })
  })

  test.each(['junk', 'a.b.c', 'x'.repeat(64), 'x'.repeat(86), 'lano_x', '\u{1F98A}'])(
    'E3 %s is exactly { active: false }',
    async (junk) => {
      expect(await introspect(junk)).toMatchObject({ status: 200, text: '{"active":false}' })
    },
  )

  test('E4 says scope, client, subject, audience, times and id', async () => {
    const { body } = await introspect(tokens.access_token)
    expect(body).toMatchObject({
      active: true,
      iss: gateway.url,
      sub: person.uai,
      user_id: person.uai,
      client_id: NATIVE.client_id,
      scope: 'openid profile email offline_access',
      token_type: 'Bearer',
      aud: ['https://api.lanonasis.com', gateway.url],
      email: person.email,
      project_scope: 'lanonasis-maas',
    })
    expect(body.exp - body.iat).toBe(3600)
    expect(body.scope).not.toContain('admin')
  })

  test.each([
    ['resource-server', 'RS256'],
    ['resource-server-es256', 'ES256'],
  ])('E5 a signed answer when it is asked for: %s gets %s', async (id, alg) => {
    const accept = 'application/token-introspection+jwt'
    const response = await fetch(`${gateway.url}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.access_token }),
      headers: { accept, ...secretOf(id) },
    })
    expect(response.headers.get('content-type')).toBe(accept)
    const jwt = await response.text()
    expect(decodeProtectedHeader(jwt)).toMatchObject({ typ: 'token-introspection+jwt', alg })
    const claims = decodeJwt(jwt)
    expect(claims).toMatchObject({ iss: gateway.url, aud: id, token_introspection: { active: true } })
    expect(claims).not.toHaveProperty('sub')
    expect(claims).not.toHaveProperty('exp')
    const { keys } = await json('/oauth/jwks.json')
    const key = await importJWK(keys.find(({ kid }: { kid: string }) => kid === decodeProtectedHeader(jwt).kid))
    expect((await jwtVerify(jwt, key, { issuer: gateway.url, typ: 'token-introspection+jwt' })).payload).toEqual(claims)
    expect((await json(DISCOVERY[0] ?? '')).introspection_signing_alg_values_supported).toEqual(['RS256', 'ES256'])
  })

  test('E3 A25 answers are not stored, and a missing token is 400', async () => {
    expect((await introspect('x')).headers.get('cache-control')).toBe('no-store')
    expect(await post(gateway, '/oauth/introspect', {})).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    })
  })

  test('E3 the ID token is no access token', async () => {
    expect((await introspect(tokens.id_token ?? '')).body).toEqual({ active: false })
  })
})

describe('A35 A36 bearer tokens', () => {
  test('A35 the query is ignored and the scheme takes any case', async () => {
    expect((await get(`/oauth/userinfo?access_token=${tokens.access_token}`)).status).toBe(401)
    expect((await get('/oauth/userinfo', { authorization: `bEARER ${tokens.access_token}` })).status).toBe(200)
  })

  test('A36 no token is a bare challenge, a bad one invalid_token, a poor one insufficient_scope', async () => {
    const challenge = async (headers: Record<string, string>) => {
      const response = await get('/oauth/userinfo', headers)
      return `${response.status} ${response.headers.get('www-authenticate')}`
    }
    const where = `resource_metadata="${gateway.url}/.well-known/oauth-protected-resource"`
    expect(await challenge({})).toBe(`401 Bearer ${where}`)
    expect(await challenge(bearer('junk'))).toBe(`401 Bearer error="invalid_token", ${where}`)
    const poor = await getTokens(gateway, person, { scope: 'memories:read' })
    expect(await challenge(bearer(poor.access_token))).toBe(
      `403 Bearer error="insufficient_scope", scope="openid", ${where}`,
    )
  })
})

describe('G1 protected resource metadata', () => {
  const read = async (path: string) => {
    const response = await get(`/.well-known/oauth-protected-resource${path}`)
    return {
      status: response.status,
      cors: response.headers.get('access-control-allow-origin'),
      body: await response.json(),
    }
  }

  test('of the gateway itself, whose tokens can be asked for', async () => {
    const { status, cors, body } = await read('')
    expect({ status, cors }).toEqual({ status: 200, cors: '*' })
    expect(body).toMatchObject({
      resource: gateway.url,
      authorization_servers: [gateway.url],
      scopes_supported: ['profile', 'email'],
      bearer_methods_supported: ['header'],
    })
    const { access_token, scope } = await getTokens(gateway, person, { scope: undefined, resource: gateway.url })
    expect(scope).toBe('profile email')
    expect((await introspect(access_token)).body).toMatchObject({
      active: true,
      aud: expect.toSatisfy((aud) => [aud].flat().includes(gateway.url)),
    })
  })

  test('of a resource whose host forwards the question, by path', async () => {
    const { body } = await read('/mcp')
    expect(body).toMatchObject({
      resource: 'https://mcp.lanonasis.com/mcp',
      authorization_servers: [gateway.url],
      scopes_supported: ['mcp:connect', 'memories:read'],
    })
    expect(body.scopes_supported).not.toContain('offline_access')
  })

  test('of a resource without a path, by its name', async () => {
    const { body } = await read('?resource=https://api.lanonasis.com')
    expect(body.resource).toBe('https://api.lanonasis.com')
  })

  test.each(['/other', '?resource=https://evil.example'])('404 %s', async (path) => {
    expect((await read(path)).status).toBe(404)
  })

  test('A28 a client that names a resource and no scope gets what the resource needs', async () => {
    const tokens = await getTokens(gateway, person, { scope: undefined, resource: 'https://mcp.lanonasis.com/mcp' })
    expect(tokens.scope).toBe('mcp:connect memories:read')
  })
})
