import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { createCall } from '../../shared/call.ts'
import { apiClient, suspendClient } from '../../shared/domain/api-client.ts'
import { commit } from '../../shared/events/commit.ts'
import { findClient } from '../../shared/queries/api-clients.ts'
import { api, type Body } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, randomIp, useGateway } from '../support/gateway.ts'
import { authorize, authorizeParams, getTokens, newVerifier, post, signIn } from '../support/sign-in.ts'

const CALLBACK = 'http://127.0.0.1:8123/callback'

const gateway = useGateway({ env: { REGISTRATION_NETWORKS: '198.18.78.0/24' } })

const register = (body: object, path = '/register') => api(gateway, 'POST', path, { body })
let registrations = 0
/** A client of its own: no two have the same metadata. */
async function registered(body: object = {}): Promise<Body> {
  const answer = await register({ redirect_uris: [CALLBACK], client_name: `Client ${++registrations}`, ...body })
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
  return answer.body
}
const manage = (method: string, client: Body, body?: object, suffix = '') =>
  api(gateway, method, `/register/${client.client_id}${suffix}`, { token: client.registration_access_token, body })
const confidential = { token_endpoint_auth_method: 'client_secret_post', redirect_uris: ['https://app.example/cb'] }
/** Whether a client gets past its authentication at the token endpoint. */
const isKnown = async (client_id: string, client_secret?: string) => {
  const fields = { grant_type: 'refresh_token', refresh_token: 'x', client_id, ...(client_secret && { client_secret }) }
  return (await post(gateway, '/oauth/token', fields)).body.error !== 'invalid_client'
}

describe('POST /register', () => {
  test('201 with everything that was registered, as the wire contract has it', async () => {
    const { status, body, headers } = await register({ redirect_uris: [CALLBACK] })
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(body).toEqual({
      client_id: expect.stringMatching(/^mcp_\d{13}_[0-9a-f]{18}$/),
      client_id_issued_at: expect.any(Number),
      client_name: 'MCP Client',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [CALLBACK],
      scope: 'memories:read memories:write mcp:connect',
      default_scope: 'memories:read mcp:connect',
      registration_access_token: expect.any(String),
      registration_client_uri: `${gateway.url}/register/${body.client_id}`,
    })
  })

  test.each(['/oauth/register', '/api/v1/oauth/register'])('201 at %s', async (path) => {
    expect((await register({ redirect_uris: [CALLBACK] }, path)).status).toBe(201)
  })

  test('201 with a secret for a confidential client, of which only the hash is stored', async () => {
    const client = await registered(confidential)
    expect(client).toMatchObject({
      client_secret: expect.stringMatching(/^mcs_[\w-]{43}$/),
      client_secret_expires_at: 0,
    })
    expect(await isKnown(client.client_id, client.client_secret)).toBe(true)
    expect(await isKnown(client.client_id, `${client.client_secret}x`)).toBe(false)
    const events = JSON.stringify(await eventsOf(gateway, 'api_client'))
    expect(events).not.toContain(client.client_secret)
    expect(events).not.toContain(client.registration_access_token)
  })

  test('201 without what a stranger may not have: unknown and privileged scopes, grants of services, members of operators', async () => {
    const client = await registered({
      scope: 'memories:read nonsense admin:* * legacy:full_access api-keys:write secrets:read offline_access',
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      resources: ['https://api.lanonasis.com'],
      access_token_seconds: 86_400,
      require_pkce: false,
      first_party: true,
      account_access: 'everyday',
      accountAccess: 'everyday',
    })
    expect(client.scope).toBe('memories:read offline_access')
    expect(client.grant_types).toEqual(['authorization_code', 'refresh_token'])
    for (const name of ['resources', 'access_token_seconds', 'require_pkce', 'first_party', 'account_access'])
      expect(client).not.toHaveProperty(name)
    const [stored] =
      await gateway.sql`select first_party, account_access from auth_gateway.api_clients where client_id = ${client.client_id}`
    expect(stored).toEqual({ first_party: false, account_access: 'none' })
  })

  test.each([
    ['invalid_redirect_uri', {}],
    ['invalid_redirect_uri', { redirect_uris: [] }],
    ['invalid_redirect_uri', { redirect_uris: 'https://a.example/' }],
    ['invalid_redirect_uri', { redirect_uris: ['javascript:alert(1)'] }],
    ['invalid_redirect_uri', { redirect_uris: ['http://a.example/cb'] }],
    ['invalid_redirect_uri', { redirect_uris: ['https://a.example/#x'] }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], application_type: 'service' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], scope: 'admin:*' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], scope: 'nonsense secrets:read' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], scope: 're"ad' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], scope: 7 }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], grant_types: ['implicit'] }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], response_types: ['token'] }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'tls_client_auth' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'private_key_jwt' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], client_name: 'x'.repeat(101) }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], client_name: 'L a n O n a s i s Support' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], client_name: 'evil\u202egnp.exe' }],
    ['invalid_client_metadata', { redirect_uris: [CALLBACK], logo_uri: 'data:image/png;base64,x' }],
    ['unapproved_software_statement', { redirect_uris: [CALLBACK], software_statement: 'a.b.c' }],
  ])('400 %s for %j', async (error, body) => {
    expect(await register(body)).toMatchObject({ status: 400, body: { error, error_description: expect.any(String) } })
  })

  test('400 for key sets with private, weak or no keys, or two at once', async () => {
    const strong = await generateKeyPair('ES256', { extractable: true })
    const method = { ...confidential, token_endpoint_auth_method: 'private_key_jwt' }
    const publicJwk = await exportJWK(strong.publicKey)
    expect((await register({ ...method, jwks: { keys: [publicJwk] } })).status).toBe(201)
    const refused = [
      { jwks: { keys: [await exportJWK(strong.privateKey)] } },
      { jwks: { keys: [] } },
      { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } },
      { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] } },
      { jwks: { keys: [publicJwk] }, jwks_uri: 'https://a.example/jwks' },
    ]
    for (const keys of refused)
      expect(await register({ ...method, ...keys })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata' },
      })
  })

  test('429 past the limit of an address', async () => {
    const headers = { [IP_HEADER]: '198.18.77.1' }
    const answers = await Promise.all(
      Array.from({ length: 35 }, (_, n) =>
        api(gateway, 'POST', '/register', { body: { redirect_uris: [CALLBACK], client_name: `App ${n}` }, headers }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(30)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(5)
  })

  test('201 past that limit from a network that many people share', async () => {
    const headers = { [IP_HEADER]: '198.18.78.9' }
    const answers = await Promise.all(
      Array.from({ length: 35 }, () => api(gateway, 'POST', '/register', { body: confidential, headers })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(35)
  })

  test('a registered client signs a person in, who is asked', async () => {
    const client = await registered({ grant_types: ['authorization_code', 'refresh_token'] })
    const { browser } = await signIn(gateway)
    const verifier = newVerifier()
    const params = authorizeParams(verifier, {
      client_id: client.client_id,
      redirect_uri: CALLBACK,
      scope: 'memories:read',
    })
    const page = await browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
    expect(page.html).toContain('Not verified by LanOnasis')
    const code = (await authorize(browser, params)).get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: CALLBACK }
    const { status, body } = await post(gateway, '/oauth/token', { ...form, client_id: client.client_id })
    expect([status, body.scope]).toEqual([200, 'memories:read'])
    await manage('DELETE', client)
    const introspected = await post(gateway, '/oauth/introspect', { token: body.access_token })
    expect(introspected.body).toEqual({ active: false })
  })
})

describe('registrations of the same metadata', () => {
  const tokensOf = (answers: { body: Body }[]) =>
    answers.flatMap(({ body }) => (body.registration_access_token ? [body.registration_access_token] : []))

  test('201 with one registration for a public client, in any order of members, and no limit is counted', async () => {
    const headers = { [IP_HEADER]: '198.18.77.2' }
    const said = { client_name: 'Same', redirect_uris: [CALLBACK], scope: 'memories:read' }
    const turned = Object.fromEntries(Object.entries(said).reverse())
    const answers = await Promise.all(
      Array.from({ length: 35 }, (_, n) => api(gateway, 'POST', '/register', { body: n % 2 ? said : turned, headers })),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body.client_id)).size).toBe(1)
    expect(tokensOf(answers)).toHaveLength(1)
    const [shared] = answers
    const events = (await eventsOf(gateway, 'api_client')).filter(
      ({ data }) => data.clientId === shared?.body.client_id,
    )
    expect(events).toHaveLength(1)
  })

  test('401 for the registration access token of a registration that others were given', async () => {
    const said = { client_name: 'Given twice', redirect_uris: [CALLBACK] }
    const [first, second] = [(await register(said)).body, (await register(said)).body]
    expect(second).toEqual({
      ...first,
      registration_access_token: undefined,
      registration_client_uri: undefined,
    })
    for (const [method, body] of [['GET'], ['PUT', { ...said, client_id: first.client_id }], ['DELETE']] as const)
      expect([method, (await manage(method, first, body)).status]).toEqual([method, 401])
    expect(await isKnown(first.client_id)).toBe(true)
  })

  test('201 with one of its own for a client that authenticates itself, and for one whose holder changed it', async () => {
    const own = { ...confidential, client_name: 'Own' }
    expect((await register(own)).body.client_id).not.toBe((await register(own)).body.client_id)
    const said = { client_name: 'Changed', redirect_uris: [CALLBACK] }
    const first = (await register(said)).body
    expect((await manage('PUT', first, { ...said, client_id: first.client_id })).status).toBe(200)
    expect((await register(said)).body.client_id).not.toBe(first.client_id)
    expect((await manage('GET', first)).status).toBe(200)
  })

  test('201 with another one once it was suspended or deleted', async () => {
    const said = { client_name: 'Gone', redirect_uris: [CALLBACK] }
    const first = (await register(said)).body
    expect((await manage('DELETE', first)).status).toBe(204)
    const second = (await register(said)).body
    expect(second.client_id).not.toBe(first.client_id)
    const id = (await findClient(gateway.gateway.reads, second.client_id))?.id ?? ''
    await commit(createCall(gateway.gateway), async (work) => {
      ;(await work.load(apiClient, id, {})).decide((state) => suspendClient(state, 'test'))
    })
    expect((await register(said)).body.client_id).not.toBe(second.client_id)
  })

  test('a holder who changes it meanwhile never changes what another was given', async () => {
    for (let round = 0; round < 20; round++) {
      const said = { client_name: `Race ${round}`, redirect_uris: [CALLBACK] }
      const first = (await register(said)).body
      const taken = { ...said, redirect_uris: ['https://taken.example/cb'], client_id: first.client_id }
      const [, given] = await Promise.all([manage('PUT', first, taken), register(said)])
      if (given.status !== 201) continue
      const [row] = await gateway.sql`
        select metadata->'redirect_uris' as uris from auth_gateway.api_clients where client_id = ${given.body.client_id}`
      expect(row?.uris).toEqual([CALLBACK])
    }
  })
})

describe('RFC 7592', () => {
  test('200 for GET with the registration and no secret', async () => {
    const { client_secret, registration_access_token, ...rest } = await registered(confidential)
    const { status, body } = await manage('GET', { ...rest, registration_access_token })
    const { client_secret_expires_at, ...shown } = rest
    expect([status, body]).toEqual([200, shown])
    expect(JSON.stringify(body)).not.toContain(client_secret)
  })

  test('200 for PUT, which replaces everything; the client id stays', async () => {
    const client = await registered({ client_uri: 'https://a.example', client_name: 'Before' })
    const wanted = {
      client_id: client.client_id,
      client_name: 'After',
      redirect_uris: [CALLBACK, 'https://b.example/cb'],
    }
    const { status, body } = await manage('PUT', client, wanted)
    expect(status).toBe(200)
    expect(body).toMatchObject(wanted)
    expect(body).not.toHaveProperty('client_uri')
    expect((await manage('GET', client)).body.client_name).toBe('After')
  })

  test.each([
    ['another client_id', { client_id: 'lanonasis-cli' }],
    ['no client_id', { client_id: undefined }],
    ['a secret of its own choice', { client_secret: 'chosen' }],
    ['a registration access token', { registration_access_token: 'x' }],
    ['bad redirect URIs', { redirect_uris: ['javascript:x'] }],
    ['privileged scopes only', { scope: 'admin:*' }],
  ])('400 for PUT with %s, and nothing changes', async (_name, changes) => {
    const client = await registered()
    const refused = await manage('PUT', client, { client_id: client.client_id, redirect_uris: [CALLBACK], ...changes })
    expect(refused.status).toBe(400)
    const { registration_access_token, ...before } = client
    expect((await manage('GET', client)).body).toEqual(before)
  })

  test('401 for a wrong token, another client’s, none, and for a deleted client', async () => {
    const [client, other] = [await registered(), await registered()]
    for (const registration_access_token of ['nonsense', other.registration_access_token])
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await manage(method, { ...client, registration_access_token }, method === 'PUT' ? {} : undefined)
        expect([method, answer.status]).toEqual([method, 401])
        expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      }
    expect((await api(gateway, 'GET', `/register/${client.client_id}`)).status).toBe(401)
    expect((await api(gateway, 'GET', '/register/lanonasis-cli', { token: 'x' })).status).toBe(401)
    expect((await manage('DELETE', client)).status).toBe(204)
    expect((await manage('GET', client)).status).toBe(401)
    expect((await manage('DELETE', client)).status).toBe(401)
  })

  test('204 for DELETE, after which the client cannot be used', async () => {
    const client = await registered(confidential)
    await manage('DELETE', client)
    expect(await isKnown(client.client_id, client.client_secret)).toBe(false)
  })
})

describe('secret rotation', () => {
  test('200: the old secret stops working immediately, or after the overlap', async () => {
    const client = await registered(confidential)
    const second = (await manage('POST', client, {}, '/secret')).body.client_secret
    expect([await isKnown(client.client_id, client.client_secret), await isKnown(client.client_id, second)]).toEqual([
      false,
      true,
    ])
    const third = (await manage('POST', client, { overlap_seconds: 60 }, '/secret')).body.client_secret
    expect([await isKnown(client.client_id, second), await isKnown(client.client_id, third)]).toEqual([true, true])
    const fourth = (await manage('POST', client, { overlap_seconds: 60 }, '/secret')).body.client_secret
    const known = await Promise.all([second, third, fourth].map((secret) => isKnown(client.client_id, secret)))
    expect(known).toEqual([false, true, true])
  })

  test('200 for one of twenty at once', async () => {
    const client = await registered(confidential)
    const answers = await Promise.all(Array.from({ length: 20 }, () => manage('POST', client, {}, '/secret')))
    const won = answers.filter(({ status }) => status === 200)
    expect(won.length).toBeGreaterThanOrEqual(1)
    const known = await Promise.all(won.map(({ body }) => isKnown(client.client_id, body.client_secret)))
    expect(known.filter(Boolean)).toHaveLength(1)
  })

  test('400 for a public client and for an overlap beyond seven days', async () => {
    expect((await manage('POST', await registered(), {}, '/secret')).status).toBe(400)
    expect((await manage('POST', await registered(confidential), { overlap_seconds: 700_000 }, '/secret')).status).toBe(
      400,
    )
  })
})

test('unused clients are deleted by the scheduled job, used and new ones are not', async () => {
  const register = async (client_name: string) => {
    const response = await fetch(`${gateway.url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-real-ip': randomIp() },
      body: JSON.stringify({ client_name, redirect_uris: ['https://app.example/callback'] }),
    })
    return (await response.json()).client_id as string
  }
  const [unused, used, fresh] = [await register('Unused'), await register('Used'), await register('Fresh')]
  const person = await signIn(gateway)
  await getTokens(gateway, person, { client_id: used, redirect_uri: 'https://app.example/callback', scope: undefined })
  await gateway.sql`update auth_gateway.api_clients set created_at = now() - interval '38 days' where client_id in (${unused}, ${used})`
  const { default: maintenance } = await import('../../netlify/functions/maintenance.ts')
  await maintenance()
  const rows = await gateway.sql<{ client_id: string; status: string }[]>`
    select client_id, status from auth_gateway.api_clients where client_id in (${unused}, ${used}, ${fresh})`
  expect(Object.fromEntries(rows.map((row) => [row.client_id, row.status]))).toEqual({
    [unused]: 'deleted',
    [used]: 'active',
    [fresh]: 'active',
  })
})
