import { beforeAll, expect, test } from 'vitest'
import { guardedFetch } from '../../shared/http/guarded-fetch.ts'
import { api, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { authorizeParams, newVerifier, post, signIn } from '../support/sign-in.ts'

const CALLBACK = 'http://127.0.0.1:8123/callback'
const WEB = 'https://app.example/callback'

const gateway = useGateway()
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const register = (body: object) => api(gateway, 'POST', '/register', { body: { redirect_uris: [CALLBACK], ...body } })
const manage = (method: string, client: Body, body?: object) =>
  api(gateway, method, `/register/${client.client_id}`, { token: client.registration_access_token, body })

test('R1 201 echoes everything, with a secret that never expires where there is one, and is not stored by caches', async () => {
  const { status, body, headers } = await register({
    token_endpoint_auth_method: 'client_secret_basic',
    client_name: 'Echo',
  })
  expect(status).toBe(201)
  expect(body).toMatchObject({ client_name: 'Echo', client_secret_expires_at: 0, redirect_uris: [CALLBACK] })
  expect(body.client_secret).toBeTruthy()
  expect(headers.get('cache-control')).toContain('no-store')
})

test('R2 defaults are consistent: the code grant with the response type code', async () => {
  const { body } = await register({})
  expect(body).toMatchObject({ grant_types: ['authorization_code'], response_types: ['code'] })
  expect((await register({ grant_types: ['authorization_code'], response_types: ['token'] })).status).toBe(400)
})

test.each([
  ['null', null],
  ['an empty text', ''],
  ['an empty list', []],
  ['an empty object', {}],
  ['a list of nothing', [null, '']],
])('R1 a member that is %s counts as left out (RFC 7591 section 2)', async (_, nothing) => {
  const names = [
    ...['client_name', 'application_type', 'token_endpoint_auth_method', 'grant_types', 'response_types', 'scope'],
    ...['post_logout_redirect_uris', 'client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'contacts', 'subject_type'],
    ...['sector_identifier_uri', 'jwks', 'jwks_uri', 'software_id', 'software_version', 'software_statement'],
    ...['dpop_bound_access_tokens', 'require_pushed_authorization_requests', 'token_endpoint_auth_signing_alg'],
  ]
  const variable = { client_id: undefined, registration_access_token: undefined, registration_client_uri: undefined }
  const [plain, silent] = [await register({}), await register(Object.fromEntries(names.map((name) => [name, nothing])))]
  expect(silent.status).toBe(201)
  expect({ ...silent.body, ...variable, client_id_issued_at: 0 }).toEqual({
    ...plain.body,
    ...variable,
    client_id_issued_at: 0,
  })
})

test('R1 members that say nothing count as left out inside of a key set, too', async () => {
  const jwks = {
    keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: null, x5c: [] }],
  }
  const { status, body } = await register({ token_endpoint_auth_method: 'private_key_jwt', jwks })
  expect([status, body.jwks]).toEqual([201, { keys: [{ kty: 'OKP', crv: 'Ed25519', x: jwks.keys[0]?.x }] }])
})

test('R3 the errors of RFC 7591', async () => {
  const error = async (body: object) => (await register(body)).body.error
  expect(await error({ redirect_uris: ['http://app.example/'] })).toBe('invalid_redirect_uri')
  expect(await error({ token_endpoint_auth_method: 'magic' })).toBe('invalid_client_metadata')
  expect(await error({ software_statement: 'x.y.z' })).toBe('unapproved_software_statement')
})

test.each([
  [undefined, [CALLBACK], 'native'],
  [undefined, [WEB], 'web'],
  [undefined, [WEB, CALLBACK], 'native'],
  ['web', [WEB], 'web'],
  ['web', [CALLBACK], 'native'],
  ['web', [WEB, 'cursor://anysphere.cursor-mcp/oauth/callback'], 'native'],
  ['native', [WEB], 'native'],
  ['native', [WEB, CALLBACK, 'com.example.app:/callback'], 'native'],
])('R4 application_type %s with %j is registered as %s', async (application_type, redirect_uris, kind) => {
  const { status, body } = await register({ application_type, redirect_uris })
  expect([status, body.application_type, body.redirect_uris]).toEqual([201, kind, redirect_uris])
})

test('R5 offline_access that was not registered is no reason to refuse; unknown scopes are dropped', async () => {
  const client = (await register({ scope: 'memories:read no:such:scope-at-all' })).body
  expect(client.scope).toBe('memories:read')
  const { browser } = await signIn(gateway)
  const params = authorizeParams(newVerifier(), {
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    scope: 'memories:read offline_access nonsense',
  })
  const page = await browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  expect([page.status, page.location]).toEqual([200, undefined])
})

test.each(['nonsense', 'nonsense:a other.b', '', '  ', null])(
  'R5 a scope that names nothing known is left out, and the answer says what was registered: %j',
  async (scope) => {
    const { status, body } = await register({ scope })
    expect([status, body.scope]).toEqual([201, 'memories:read memories:write mcp:connect'])
  },
)

test('R6 strangers get no privileged scope, no secret without asking, no name that is ours, and are asked about every time', async () => {
  const { body } = await register({ scope: 'memories:read admin:* secrets:read api-keys:write *' })
  expect(body.scope).toBe('memories:read')
  expect(body).not.toHaveProperty('client_secret')
  for (const client_name of ['LanOnasis', 'Lan0nasis Dashboard', 'LаnОnаsіs', 'ʟᴀɴᴏɴᴀꜱɪꜱ'])
    expect([client_name, (await register({ client_name })).status]).toEqual([client_name, 400])
  expect((await register({ client_name: 'Claude' })).status).toBe(201)
  expect((await register({ client_name: 'x'.repeat(101) })).status).toBe(400)
})

test('R7 management by the token of this client alone; DELETE answers 204 and is final', async () => {
  const [mine, other] = [
    (await register({ client_name: 'Mine' })).body,
    (await register({ client_name: 'Other' })).body,
  ]
  expect((await manage('GET', mine)).status).toBe(200)
  expect((await manage('GET', { ...mine, registration_access_token: other.registration_access_token })).status).toBe(
    401,
  )
  expect((await manage('PUT', mine, { client_id: other.client_id, redirect_uris: [CALLBACK] })).status).toBe(400)
  expect((await manage('DELETE', mine)).status).toBe(204)
  expect((await manage('GET', mine)).status).toBe(401)
})

test('R12 a document is not fetched from an address inside', async () => {
  const options = { maxBytes: 1000, timeoutMs: 500, accept: '*/*', allowLoopback: false }
  for (const url of ['https://169.254.169.254/', 'https://[::ffff:127.0.0.1]/'])
    await expect(guardedFetch(url, options)).rejects.toMatchObject({ kind: 'refused' })
  // A name is answered like one that leads nowhere, so that no one learns the names of a private network.
  await expect(guardedFetch('https://localhost/', options)).rejects.toMatchObject({ kind: 'failed' })
})

test('R16 generated client ids are no URLs', async () => {
  expect((await register({})).body.client_id).toMatch(/^mcp_\d+_[0-9a-f]+$/)
})

test('A8 registration refuses URIs that run code or have no owner', async () => {
  for (const uri of [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'myapp:/cb',
    'https://a.example/#f',
    'https://dashboard.lanonasis.com\\@evil.test/cb',
    'https://127.1/cb',
    'https://a.example/%2e%2e/cb',
  ])
    expect([uri, (await register({ redirect_uris: [uri] })).status]).toEqual([uri, 400])
})

test.each(['cursor', 'vscode', 'vscode-insiders', 'windsurf', 'warp', 'claude', 'raycast', 'goose', 'lanonasis'])(
  'A8 %s: is a scheme without a dot that clients may use',
  async (scheme) => {
    expect((await register({ redirect_uris: [`${scheme}://callback`] })).status).toBe(201)
  },
)

test('A6 A8 post-logout redirect URIs and addresses of pages are read in one way too', async () => {
  const twoWays = 'https://app.example\\@evil.test/'
  expect((await register({ post_logout_redirect_uris: [twoWays] })).body.error).toBe('invalid_client_metadata')
  for (const name of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'jwks_uri'])
    expect([name, (await register({ [name]: twoWays })).body.error]).toEqual([name, 'invalid_client_metadata'])
  expect((await register({ tos_uri: 'https://app.example/legal#terms' })).status).toBe(201)
})

test('S14 an API key is shown once, is stored as a hash, has scopes and an expiry, and is revoked immediately', async () => {
  const { key, id } = await newKey(gateway, ada, { expires_in_days: 1 })
  const rest = JSON.stringify(await gateway.sql`select * from auth_gateway.event_store where stream_id = ${id}`)
  expect(rest).not.toContain(key.slice(9))
  const shown = await api(gateway, 'GET', `/api/v1/api-keys/${id}`, { token: ada.token })
  expect(JSON.stringify(shown.body)).not.toContain(key)
  expect(shown.body.data).toMatchObject({ permissions: ['memories:read'], expires_at: expect.any(String) })
  await api(gateway, 'POST', `/api/v1/api-keys/${id}/revoke`, { token: ada.token })
  expect((await api(gateway, 'POST', '/v1/auth/verify-api-key', { key })).status).toBe(401)
})

test('S14 an API key is no session, and never counts in a URL', async () => {
  const { key } = await newKey(gateway, ada, { scopes: ['memories:*', 'profile:*', 'api-keys:*'] })
  for (const path of ['/v1/auth/sessions', '/v1/auth/resolve?client_id=dashboard'])
    expect((await api(gateway, 'GET', path, { key })).status).toBe(403)
  expect((await post(gateway, '/oauth/userinfo', {}, { authorization: `Bearer ${key}` })).status).toBe(401)
  for (const name of ['api_key', 'key', 'access_token'])
    expect((await api(gateway, 'GET', `/v1/auth/me?${name}=${key}`)).status).toBe(401)
})
