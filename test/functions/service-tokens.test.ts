import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, atBrowser, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { addClient, eventsOf, useGateway } from '../support/gateway.ts'
import { setClientStatus, setRole, setStatus } from '../support/rows.ts'
import { post, signIn } from '../support/sign-in.ts'

const API = 'https://api.lanonasis.com'
const MCP = 'https://mcp.lanonasis.com/mcp'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token'
const API_KEY = 'urn:lanonasis:params:oauth:token-type:api_key'

const gateway = useGateway({ countStatements: true })
let ada: DirectSignIn
beforeAll(async () => {
  const service = {
    token_endpoint_auth_method: 'client_secret_post' as const,
    grant_types: ['client_credentials', EXCHANGE],
    response_types: [],
    redirect_uris: [],
    scope: 'memories:read memories:write secrets:read',
    default_scope: 'memories:read',
  }
  await addClient(gateway, 'api-gateway', { ...service, resources: [API], exchange_resources: [MCP] }, true)
  await addClient(gateway, 'mcp-server', { ...service, resources: [MCP], exchange_resources: [API, MCP] }, true)
  await addClient(gateway, 'partner-service', { ...service, default_scope: 'memories:read' })
  ada = await directSignIn(gateway)
})

const SECRET = 'a secret: +%'
const token = (client_id: string, fields: Record<string, string>, secret = SECRET) =>
  post(gateway, '/oauth/token', { client_id, client_secret: secret, ...fields })
const own = (client_id = 'api-gateway', fields: Record<string, string> = {}) =>
  token(client_id, { grant_type: 'client_credentials', ...fields })
const exchange = (client_id: string, subject_token: string, fields: Record<string, string> = {}) =>
  token(client_id, { grant_type: EXCHANGE, subject_token, subject_token_type: ACCESS, ...fields })
const introspect = async (text: string, client_id = 'mcp-server'): Promise<Body> =>
  (await post(gateway, '/oauth/introspect', { token: text, client_id, client_secret: SECRET })).body
const verify = (text: string) => api(gateway, 'POST', '/v1/auth/verify', { token: text })
const refused = (status: number, error: string) => ({ status, body: { error } })
/** A statement or two, so that nothing of before is counted. */
const settle = () => gateway.takeStatements()

describe('client_credentials', () => {
  test('200 with a token of the service’s own, and none to refresh it', async () => {
    const { status, body, headers } = await own()
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(body).toEqual({
      token_type: 'Bearer',
      access_token: expect.any(String),
      expires_in: 3600,
      scope: 'memories:read',
    })
    expect(decodeJwt(body.access_token)).toMatchObject({
      sub: 'api-gateway',
      client_id: 'api-gateway',
      sub_type: 'client',
      aud: API,
      scope: 'memories:read',
    })
    const claims = decodeJwt(body.access_token)
    for (const name of ['uai', 'email', 'role', 'sid']) expect(claims).not.toHaveProperty(name)
  })

  test('200 for the scope and resource that are asked for, 400 for what the client may not have', async () => {
    const { body } = await own('api-gateway', { scope: 'memories:write secrets:read', resource: MCP })
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: MCP, scope: 'memories:write secrets:read' })
    expect(await own('api-gateway', { scope: 'admin:*' })).toMatchObject(refused(400, 'invalid_scope'))
    expect(await own('api-gateway', { scope: 'openid email' })).toMatchObject(refused(400, 'invalid_scope'))
    expect(await own('api-gateway', { resource: 'https://elsewhere.example' })).toMatchObject(
      refused(400, 'invalid_target'),
    )
  })

  test('401 for a wrong secret, 400 for a client without the grant or without a secret', async () => {
    expect(await token('api-gateway', { grant_type: 'client_credentials' }, 'wrong')).toMatchObject(
      refused(401, 'invalid_client'),
    )
    await addClient(gateway, 'web-only', { token_endpoint_auth_method: 'client_secret_post' })
    expect(await own('web-only')).toMatchObject(refused(400, 'unauthorized_client'))
    const publicClient = { grant_type: 'client_credentials', client_id: 'lanonasis-cli' }
    expect(await post(gateway, '/oauth/token', publicClient)).toMatchObject(refused(400, 'unauthorized_client'))
  })

  test('one read and one append, and an event that records who got what', async () => {
    await own()
    settle()
    const { body } = await own()
    expect(gateway.takeStatements()).toBe(2)
    const [last] = (await eventsOf(gateway, 'token_family')).slice(-1)
    expect(last).toMatchObject({
      event_type: 'TokenFamilyStarted',
      data: { kind: 'service', scope: ['memories:read'] },
      metadata: { actorType: 'service', actor: 'api-gateway' },
    })
    expect(JSON.stringify(last)).not.toContain(body.access_token)
  })

  test('200 for all of twenty at once, each its own token', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => own()))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(20)
  })

  test('verify and introspect know a service from a person', async () => {
    const { body } = await own()
    settle()
    const verified = await verify(body.access_token)
    expect(gateway.takeStatements()).toBe(1)
    expect(verified).toMatchObject({
      status: 200,
      body: { valid: true, sub: 'api-gateway', actor_type: 'service', role: 'service', auth_source: 'service_token' },
    })
    expect(verified.body).not.toHaveProperty('email')
    expect(await introspect(body.access_token, 'api-gateway')).toMatchObject({
      active: true,
      sub: 'api-gateway',
      client_id: 'api-gateway',
      sub_type: 'client',
      scope: 'memories:read',
    })
    const resolved = await api(gateway, 'GET', '/v1/auth/resolve', { token: body.access_token })
    expect(resolved).toMatchObject({
      status: 200,
      body: { authId: null, actorId: 'api-gateway', actorType: 'service' },
    })
    expect(resolved.headers.get('x-actor-type')).toBe('service')
  })

  test.each([
    ['/v1/auth/me', 403],
    ['/v1/auth/session', 403],
    ['/v1/auth/sessions', 403],
    ['/api/v1/api-keys', 403],
    ['/oauth/userinfo', 401],
  ])('at %s %s: a service has no account', async (path, status) => {
    const { body } = await own()
    expect((await api(gateway, 'GET', path, { token: body.access_token })).status).toBe(status)
  })

  test('401 for a token it revoked, and for every one once the client is suspended', async () => {
    await addClient(gateway, 'short-lived', {
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      scope: 'memories:read',
    })
    const [first, second] = [(await own('short-lived')).body.access_token, (await own('short-lived')).body.access_token]
    const revoked = await post(gateway, '/oauth/revoke', {
      token: first,
      client_id: 'short-lived',
      client_secret: SECRET,
    })
    expect(revoked.body).toEqual({ revoked: true })
    expect([(await verify(first)).status, (await verify(second)).status]).toEqual([401, 200])
    await setClientStatus(gateway, 'short-lived', 'suspended')
    expect((await verify(second)).status).toBe(401)
    expect(await own('short-lived')).toMatchObject(refused(401, 'invalid_client'))
  })
})

describe('token exchange', () => {
  test('200 with a token for the other service, on behalf of the person, with who acts', async () => {
    const { status, body } = await exchange('api-gateway', ada.token, { scope: 'memories:read' })
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'memories:read',
    })
    const claims = decodeJwt(body.access_token)
    expect(claims).toMatchObject({
      sub: ada.uai,
      client_id: 'api-gateway',
      aud: MCP,
      scope: 'memories:read',
      act: { sub: 'api-gateway' },
    })
    expect(claims.exp).toBeLessThanOrEqual(decodeJwt(ada.token).exp ?? 0)
    expect(await introspect(body.access_token)).toMatchObject({
      active: true,
      sub: ada.uai,
      act: { sub: 'api-gateway' },
    })
    const [last] = (await eventsOf(gateway, 'token_family')).slice(-1)
    expect(last).toMatchObject({
      data: { kind: 'delegated', uai: ada.uai, actor: { sub: 'api-gateway' } },
      metadata: { actorType: 'service', actor: 'api-gateway' },
    })
  })

  test('one read and one append', async () => {
    await exchange('api-gateway', ada.token)
    settle()
    await exchange('api-gateway', ada.token)
    expect(gateway.takeStatements()).toBe(2)
  })

  test('200 for what subject and client both may, when no scope is asked for', async () => {
    const { body } = await exchange('api-gateway', ada.token)
    expect(body.scope.split(' ').sort()).toEqual(['memories:read', 'memories:write'])
  })

  test.each(['secrets:read', 'memories:delete', 'memories:*', 'memories:read admin:*'])(
    '400 invalid_scope for %s: never wider',
    async (scope) => {
      expect(await exchange('api-gateway', ada.token, { scope })).toMatchObject(refused(400, 'invalid_scope'))
    },
  )

  test.each([
    ['resource', API],
    ['audience', 'https://elsewhere.example'],
    ['resource', 'nonsense'],
  ])('400 invalid_target for %s %s, which the client is not registered for', async (name, value) => {
    expect(await exchange('api-gateway', ada.token, { [name]: value })).toMatchObject(refused(400, 'invalid_target'))
  })

  test('400 invalid_target when there are several and none is asked for', async () => {
    const { body } = await exchange('api-gateway', ada.token)
    expect(await exchange('mcp-server', body.access_token)).toMatchObject(refused(400, 'invalid_target'))
  })

  test('200 along a chain of services, with nested actors, four at most', async () => {
    let { access_token } = (await exchange('api-gateway', ada.token)).body
    for (let link = 2; link <= 4; link++) {
      const { status, body } = await exchange('mcp-server', access_token, { resource: MCP })
      expect([link, status]).toEqual([link, 200])
      access_token = body.access_token
    }
    const act = {
      sub: 'mcp-server',
      act: { sub: 'mcp-server', act: { sub: 'mcp-server', act: { sub: 'api-gateway' } } },
    }
    expect(decodeJwt(access_token).act).toEqual(act)
    expect(await exchange('mcp-server', access_token, { resource: MCP })).toMatchObject(refused(400, 'invalid_request'))
  })

  test('400 invalid_request for a token that is for another resource', async () => {
    expect(await exchange('mcp-server', ada.token, { resource: MCP })).toMatchObject(refused(400, 'invalid_request'))
  })

  test('400 for what is no access token of a person: junk, a refresh token, a service’s token', async () => {
    const service = (await own()).body.access_token
    for (const text of ['junk', 'a.b.c', ada.refreshToken, service])
      expect(await exchange('api-gateway', text)).toMatchObject(refused(400, 'invalid_request'))
  })

  test.each([
    ['subject_token_type', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['requested_token_type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['actor_token_type', { actor_token: 'x' }],
    ['actor_token_type', { actor_token_type: ACCESS }],
  ])('400 invalid_request for %s of %j', async (field, fields) => {
    const answer = await exchange('api-gateway', ada.token, fields as Record<string, string>)
    expect(answer).toMatchObject(refused(400, 'invalid_request'))
    expect(answer.body.details).toHaveProperty(field)
  })

  test('the actor’s own token is accepted; another one is refused', async () => {
    const [mine, theirs] = [(await own()).body.access_token, (await own('mcp-server')).body.access_token]
    const withActor = (actor_token: string) =>
      exchange('api-gateway', ada.token, { actor_token, actor_token_type: ACCESS })
    expect((await withActor(mine)).status).toBe(200)
    expect(await withActor(theirs)).toMatchObject(refused(400, 'invalid_request'))
  })

  test('400 for a client that may not exchange, 401 for one that is not who it says', async () => {
    await addClient(gateway, 'no-exchange', {
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      resources: [API],
      exchange_resources: [MCP],
    })
    expect(await exchange('no-exchange', ada.token)).toMatchObject(refused(400, 'unauthorized_client'))
    expect(await exchange('partner-service', ada.token)).toMatchObject(refused(400, 'invalid_request'))
    const form = { grant_type: EXCHANGE, subject_token: ada.token, subject_token_type: ACCESS }
    expect(await token('api-gateway', form, 'wrong')).toMatchObject(refused(401, 'invalid_client'))
  })

  describe('dies with what it came from', () => {
    async function chain() {
      const person = await directSignIn(gateway)
      const first = (await exchange('api-gateway', person.token)).body.access_token
      const second = (await exchange('mcp-server', first, { resource: MCP })).body.access_token
      expect([(await introspect(first)).active, (await introspect(second)).active]).toEqual([true, true])
      return { person, first, second }
    }
    const states = async ({ first, second }: { first: string; second: string }) => [
      (await introspect(first)).active,
      (await introspect(second)).active,
    ]

    test('the sign-in', async () => {
      const tokens = await chain()
      await api(gateway, 'POST', '/v1/auth/logout', { token: tokens.person.token })
      expect(await states(tokens)).toEqual([false, false])
    })

    test('the access token that was exchanged', async () => {
      const tokens = await chain()
      await post(gateway, '/oauth/revoke', { token: tokens.person.token, client_id: 'lanonasis-cli' })
      expect(await states(tokens)).toEqual([false, false])
    })

    test('a link of the chain', async () => {
      const tokens = await chain()
      const revoke = { token: tokens.first, client_id: 'api-gateway', client_secret: SECRET }
      expect((await post(gateway, '/oauth/revoke', revoke)).body).toEqual({ revoked: true })
      expect(await states(tokens)).toEqual([false, false])
    })

    test('a service of the chain, suspended', async () => {
      const tokens = await chain()
      const set = (status: string) => setClientStatus(gateway, 'api-gateway', status)
      await set('suspended')
      expect(await states(tokens)).toEqual([false, false])
      await set('active')
      expect(await states(tokens)).toEqual([true, true])
    })

    test('the person, suspended', async () => {
      const tokens = await chain()
      await setStatus(gateway, tokens.person.uai, 'suspended')
      expect(await states(tokens)).toEqual([false, false])
    })
  })

  describe('of an API key', () => {
    const exchangeKey = (key: string, fields: Record<string, string> = {}) =>
      exchange('api-gateway', key, { subject_token_type: API_KEY, ...fields })

    test('200 with a short token for the person, no wider than the key', async () => {
      const { key } = await newKey(gateway, ada, { scopes: ['memories:*'] })
      expect((await exchangeKey(key)).body.scope).toBe('memories:read memories:write')
      const { status, body } = await exchangeKey(key, { scope: 'memories:read' })
      expect(status).toBe(200)
      expect(decodeJwt(body.access_token)).toMatchObject({ sub: ada.uai, aud: MCP, act: { sub: 'api-gateway' } })
      const narrow = await newKey(gateway, ada)
      expect(await exchangeKey(narrow.key, { scope: 'memories:write' })).toMatchObject(refused(400, 'invalid_scope'))
    })

    test('inactive as soon as the key is rotated or revoked', async () => {
      for (const end of ['rotate', 'revoke']) {
        const { key, id } = await newKey(gateway, ada)
        const { access_token } = (await exchangeKey(key)).body
        expect((await introspect(access_token)).active).toBe(true)
        await api(gateway, 'POST', `/api/v1/api-keys/${id}/${end}`, { token: ada.token })
        expect(await introspect(access_token)).toEqual({ active: false })
      }
    })

    test('and so is what another service got for it', async () => {
      const { key, id } = await newKey(gateway, ada)
      const first = (await exchangeKey(key)).body.access_token
      const second = (await exchange('mcp-server', first, { resource: MCP })).body.access_token
      expect((await introspect(second)).active).toBe(true)
      await api(gateway, 'POST', `/api/v1/api-keys/${id}/rotate`, { token: ada.token })
      expect(await introspect(second)).toEqual({ active: false })
    })

    test.each([
      { allowed_networks: ['10.0.0.0/8'] },
      { max_uses: 5 },
      { rate_limits: { max_calls_per_minute: 5 } },
      { service_type: 'specific', service_keys: ['memories'] },
    ])('400 for a key with a limit that a token cannot carry: %j', async (limit) => {
      const { key } = await newKey(gateway, ada, limit)
      expect(await exchangeKey(key)).toMatchObject(refused(400, 'invalid_request'))
    })

    test('no scope that the owner of the key has lost', async () => {
      const root = await signIn(gateway)
      const role = (one: string) => setRole(gateway, root.uai, one)
      await role('platform_admin')
      const made = await atBrowser(gateway, root, 'POST', '/api/v1/api-keys', { name: 'all', scopes: ['*'] })
      const { key } = made.body.data
      await role('user')
      expect(await exchangeKey(key)).toMatchObject(refused(400, 'invalid_scope'))
    })

    test('400 for a key that is not valid', async () => {
      expect(await exchangeKey('lano_nonsense-nonsense-nonsense')).toMatchObject(refused(400, 'invalid_request'))
    })
  })
})

describe('introspection', () => {
  test('a resource server sees tokens for what it serves, and its own, no other', async () => {
    expect((await introspect(ada.token, 'api-gateway')).active).toBe(true)
    expect(await introspect(ada.token, 'mcp-server')).toEqual({ active: false })
    expect(await introspect(ada.token, 'partner-service')).toEqual({ active: false })
  })

  test('an API key is introspected for its holder, in one statement', async () => {
    const { key, id } = await newKey(gateway, ada)
    await post(gateway, '/oauth/introspect', { token: key })
    settle()
    const { body } = await post(gateway, '/oauth/introspect', { token: key })
    expect(gateway.takeStatements()).toBe(1)
    expect(body).toMatchObject({
      active: true,
      sub: ada.uai,
      user_id: ada.uai,
      scope: 'memories:read',
      token_type: 'api_key',
      api_key_id: id,
      email: ada.email,
      project_scope: 'lanonasis-maas',
    })
    expect(await introspect(key, 'api-gateway')).toMatchObject({ active: true, api_key_id: id })
    const junk = await post(gateway, '/oauth/introspect', { token: 'lano_junk-junk-junk-junk' })
    expect(junk).toMatchObject({ status: 200, body: { active: false } })
  })
})
