import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, type Body } from '../support/api-keys.ts'
import { startDocumentServer } from '../support/document-server.ts'
import { addClient, eventsOf, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { getTokens, post, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const DELEGATION = 'urn:lanonasis:params:oauth:token-type:agent_delegation'

const gateway = useGateway()
let ada: SignedInBrowser
let agent: Awaited<ReturnType<typeof addClient>>
beforeAll(async () => {
  ada = await signIn(gateway)
  agent = await addClient(gateway, 'helpful-agent', { grant_types: ['client_credentials'], redirect_uris: [] })
})

const as = (person: SignedInBrowser) => ({
  headers: { cookie: `lanonasis_session=${person.browser.cookies.get('lanonasis_session')}` },
})
const delegate = async (body: object = {}, person = ada): Promise<{ status: number; body: Body }> =>
  api(gateway, 'POST', '/v1/auth/agents', {
    body: { client_id: 'helpful-agent', scopes: ['memories:read'], ...body },
    ...as(person),
  })
const list = async (person = ada) => (await api(gateway, 'GET', '/v1/auth/agents', as(person))).body
const basic = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')}`,
})
const exchange = (id: string, changes: Record<string, string> = {}, client = agent) =>
  post(
    gateway,
    '/oauth/token',
    { grant_type: EXCHANGE, subject_token: id, subject_token_type: DELEGATION, ...changes },
    basic(client),
  )
const verify = async (token: string) => (await postJson(gateway, '/v1/auth/verify-token', { token })).body

describe('an agent that a person authorizes', () => {
  test('gets tokens in which the person is the subject and the agent the actor, with the approved scopes only', async () => {
    const made = await delegate({ scopes: ['memories:read', 'mcp:connect'], expires_in_days: 7 })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      client_id: 'helpful-agent',
      scopes: ['memories:read', 'mcp:connect'],
      resources: ['https://api.lanonasis.com'],
    })
    const days = (new Date(made.body.expires_at).getTime() - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(6.99)
    const { status, body } = await exchange(made.body.id)
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'memories:read mcp:connect' })
    expect(body.refresh_token).toBeUndefined()
    expect(decodeJwt(body.access_token)).toMatchObject({
      sub: ada.uai,
      act: { sub: 'helpful-agent' },
      client_id: 'helpful-agent',
      aud: 'https://api.lanonasis.com',
    })
    expect(await verify(body.access_token)).toMatchObject({ valid: true })
    expect((await exchange(made.body.id, { scope: 'memories:read' })).body.scope).toBe('memories:read')
    expect((await exchange(made.body.id, { scope: 'memories:write' })).body.error).toBe('invalid_scope')
    expect((await exchange(made.body.id, { resource: 'https://mcp.lanonasis.com/mcp' })).body.error).toBe(
      'invalid_target',
    )
    const started = (await eventsOf(gateway, 'token_family')).at(-1)
    expect(started?.metadata).toMatchObject({ actorType: 'agent', actor: 'helpful-agent' })
  })

  test('is listed, and revoked with all its tokens at once', async () => {
    const { body: made } = await delegate()
    const { body } = await exchange(made.id)
    const { agents } = await list()
    expect(agents.find(({ id }: Body) => id === made.id)).toMatchObject({
      name: 'helpful-agent',
      last_used_at: expect.any(String),
    })
    const ended = await api(gateway, 'DELETE', `/v1/auth/agents/${made.id}`, as(ada))
    expect(ended.body).toEqual({ success: true, revoked: true })
    expect(await verify(body.access_token)).toMatchObject({ valid: false })
    expect(await exchange(made.id)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect((await list()).agents.map(({ id }: Body) => id)).not.toContain(made.id)
    expect((await api(gateway, 'DELETE', `/v1/auth/agents/${made.id}`, as(ada))).body.revoked).toBe(false)
  })

  test('passes its token on to a service with the whole chain, which ends with the delegation too', async () => {
    const { body: made } = await delegate()
    const service = await addClient(gateway, 'memory-service', {
      grant_types: [EXCHANGE],
      redirect_uris: [],
      resources: ['https://api.lanonasis.com'],
      exchange_resources: ['https://vectors.internal'],
    })
    const { body: first } = await exchange(made.id)
    const { status, body } = await post(
      gateway,
      '/oauth/token',
      {
        grant_type: EXCHANGE,
        subject_token: first.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
      basic(service),
    )
    expect(status).toBe(200)
    expect(decodeJwt(body.access_token)).toMatchObject({
      act: { sub: 'memory-service', act: { sub: 'helpful-agent' } },
    })
    await api(gateway, 'DELETE', `/v1/auth/agents/${made.id}`, as(ada))
    expect((await postJson(gateway, '/oauth/introspect', { token: body.access_token })).body).toEqual({ active: false })
  })

  test('ends when its time is over, and when its person is suspended', async () => {
    const { body: made } = await delegate()
    const { body } = await exchange(made.id)
    await gateway.sql`alter table auth_gateway.agent_delegations disable trigger user`
    await gateway.sql`update auth_gateway.agent_delegations set expires_at = now() where id = ${made.id}`
    expect(await verify(body.access_token)).toMatchObject({ valid: false })
    expect((await exchange(made.id)).status).toBe(400)
  })

  test('may be known by its metadata document, and then proves itself by a key in it', async () => {
    const documents = await startDocumentServer()
    const document = {
      client_name: 'Public agent',
      redirect_uris: ['http://127.0.0.1:1/x'],
      token_endpoint_auth_method: 'none',
    }
    const open = documents.serve('/open.json', document)
    expect(await delegate({ client_id: open })).toMatchObject({ status: 400, body: { code: 'AGENT_UNKNOWN' } })
    await documents.stop()
  })
})

describe('what is refused', () => {
  test('401 and 400 for another agent, a wrong secret, and a made-up delegation', async () => {
    const { body: made } = await delegate()
    const other = await addClient(gateway, 'other-agent', { grant_types: ['client_credentials'], redirect_uris: [] })
    expect(await exchange(made.id, {}, other)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(await exchange(made.id, {}, { ...agent, client_secret: 'wrong' })).toMatchObject({ status: 401 })
    for (const id of ['junk', '0195d000-0000-7000-8000-000000000001', `${made.id}'--`])
      expect(await exchange(id)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const anonymous = { grant_type: EXCHANGE, subject_token: made.id, subject_token_type: DELEGATION }
    expect((await post(gateway, '/oauth/token', { ...anonymous, client_id: 'helpful-agent' })).status).toBe(401)
  })

  test('400 for a public client, an unknown one, no scope, a privileged scope, an unknown resource, and too long a time', async () => {
    for (const client_id of ['lanonasis-mcp-cli', 'nobody-knows', 'https://127.0.0.1:1/agent.json'])
      expect(await delegate({ client_id })).toMatchObject({ status: 400, body: { code: 'AGENT_UNKNOWN' } })
    for (const scopes of [[], ['admin:*'], ['*'], ['legacy:full_access'], ['no such'], ['api-keys:write']])
      expect(await delegate({ scopes })).toMatchObject({ status: 400, body: { code: 'INVALID_SCOPE' } })
    const mcp = { resources: ['https://mcp.lanonasis.com/mcp'] }
    for (const scopes of [['secrets:read'], ['memories:read', 'memories:write']])
      expect(await delegate({ scopes, ...mcp })).toMatchObject({ status: 400, body: { code: 'INVALID_SCOPE' } })
    expect((await delegate({ scopes: ['mcp:connect', 'memories:read'], ...mcp })).status).toBe(201)
    expect(await delegate({ resources: ['https://evil.example'] })).toMatchObject({ body: { code: 'INVALID_TARGET' } })
    for (const expires_in_days of [0, 366, -1, 'soon', 1.5])
      expect((await delegate({ expires_in_days })).status).toBe(400)
  })

  test('404 for the delegation of another person, which is unchanged', async () => {
    const { body: made } = await delegate()
    const grace = await signIn(gateway)
    for (const id of [made.id, 'junk'])
      expect((await api(gateway, 'DELETE', `/v1/auth/agents/${id}`, as(grace))).status).toBe(404)
    expect((await exchange(made.id)).status).toBe(200)
    expect((await list(grace)).agents).toEqual([])
  })

  test('403 for a third-party application, an API key, the agent itself, and a page of another site', async () => {
    const { body: made } = await delegate()
    const { body: token } = await exchange(made.id)
    const client = await addClient(gateway, 'third-party', { token_endpoint_auth_method: 'none' })
    const { access_token } = await getTokens(gateway, ada, { ...client, client_secret: undefined, scope: 'openid' })
    const key = await api(gateway, 'POST', '/api/v1/api-keys', {
      body: { name: 'k', scopes: ['memories:read'] },
      ...as(ada),
    })
    for (const options of [{ token: token.access_token }, { token: access_token }, { key: key.body.data.key }])
      expect((await api(gateway, 'GET', '/v1/auth/agents', options)).status).toBe(403)
    const foreign = { ...as(ada).headers, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    const body = { client_id: 'helpful-agent', scopes: ['memories:read'] }
    expect((await api(gateway, 'POST', '/v1/auth/agents', { body, headers: foreign })).status).toBe(403)
    expect((await api(gateway, 'GET', '/v1/auth/agents')).status).toBe(401)
  })

  test('409 beyond 50 agents, also for 20 at once', async () => {
    const grace = await signIn(gateway)
    await openLimits(gateway)
    for (let n = 0; n < 50; n += 25) {
      await Promise.all(Array.from({ length: 25 }, () => delegate({}, grace)))
      await openLimits(gateway)
    }
    expect(await delegate({}, grace)).toMatchObject({ status: 409, body: { code: 'TOO_MANY_AGENTS' } })
  })
})

describe('the applications of a person', () => {
  test('are listed with their permissions, and revoked with their tokens and their consent', async () => {
    const grace = await signIn(gateway)
    const { client_id, redirect_uri } = await addClient(gateway, 'notes-app', { token_endpoint_auth_method: 'none' })
    const asked = { client_id, redirect_uri, scope: 'memories:read' }
    const one = await getTokens(gateway, grace, asked)
    const two = await getTokens(gateway, grace, asked)
    const { applications } = await list(grace)
    expect(applications).toEqual([
      expect.objectContaining({ client_id, name: 'notes-app', scopes: ['memories:read'], first_party: false }),
    ])
    for (const { access_token: token, refresh_token } of [one, two])
      for (const one of [token, refresh_token ?? '']) await post(gateway, '/oauth/revoke', { token: one, client_id })
    const [revoked] = (await list(grace)).applications
    expect(Date.now() - Date.parse(revoked.last_used_at)).toBeLessThan(60_000)
    const [three, four] = [await getTokens(gateway, grace, asked), await getTokens(gateway, grace, asked)]
    const cut = () => api(gateway, 'DELETE', `/v1/auth/applications?client_id=${client_id}`, as(grace))
    expect((await cut()).body).toEqual({ success: true, revoked: 2 })
    for (const { access_token } of [three, four]) expect(await verify(access_token)).toMatchObject({ valid: false })
    expect((await list(grace)).applications).toEqual([])
    const [consent] = await gateway.sql`select scopes, withdrawn_at from auth_gateway.consents where uai = ${grace.uai}`
    expect(consent).toMatchObject({ scopes: [], withdrawn_at: expect.any(Date) })
    expect((await cut()).status).toBe(404)
    await getTokens(gateway, grace, asked)
    expect((await list(grace)).applications).toHaveLength(1)
  })
})
