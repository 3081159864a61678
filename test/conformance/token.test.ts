import { beforeAll, describe, expect, test } from 'vitest'
import { createCall } from '../../shared/call.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  NATIVE,
  newVerifier,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

type Confidential = Awaited<ReturnType<typeof addClient>>
const gateway = useGateway()
let person: SignedInBrowser
let basic: Confidential
let byPost: Confidential
let exempt: Confidential

beforeAll(async () => {
  basic = await addClient(gateway, 'basic:client')
  byPost = await addClient(gateway, 'post-client', { token_endpoint_auth_method: 'client_secret_post' })
  exempt = await addClient(gateway, 'exempt', { require_pkce: false })
  person = await signIn(gateway)
})

const token = (form: Record<string, string>, headers?: Record<string, string>) =>
  post(gateway, '/oauth/token', form, headers)
const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+')
const basicAuth = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`,
})

async function codeFor(client: { client_id: string; redirect_uri: string } = NATIVE, changes = {}) {
  const verifier = newVerifier()
  const scope = client === NATIVE ? 'openid email' : 'memories:read'
  const asked = authorizeParams(verifier, {
    client_id: client.client_id,
    redirect_uri: client.redirect_uri,
    scope,
    ...changes,
  })
  const code = (await authorize(person.browser, asked)).get('code') ?? ''
  return {
    grant_type: 'authorization_code',
    client_id: client.client_id,
    redirect_uri: client.redirect_uri,
    code,
    code_verifier: verifier,
  }
}

const without = (form: Record<string, string>, ...names: string[]) =>
  Object.fromEntries(Object.entries(form).filter(([name]) => !names.includes(name)))
const refused = (error: string, status = 400) => ({ status, body: { error } })

describe('A14-A16 B1 B2 a code is refused', () => {
  test.each<[string, (form: Record<string, string>) => Record<string, string>, string]>([
    ['A15 without verifier', (form) => without(form, 'code_verifier'), 'invalid_grant'],
    ['B2 with another verifier', (form) => ({ ...form, code_verifier: newVerifier() }), 'invalid_grant'],
    ['B1 with a short verifier', (form) => ({ ...form, code_verifier: 'x'.repeat(42) }), 'invalid_request'],
    ['B1 with an illegal verifier', (form) => ({ ...form, code_verifier: `${'x'.repeat(43)}+` }), 'invalid_request'],
    ['A11 for another client', (form) => ({ ...form, client_id: 'lanonasis-cli' }), 'invalid_grant'],
    [
      'A16 for another redirect URI',
      (form) => ({ ...form, redirect_uri: 'http://127.0.0.1:4001/auth-tester' }),
      'invalid_grant',
    ],
    ['A12 that was never issued', (form) => ({ ...form, code: 'x'.repeat(64) }), 'invalid_grant'],
    ['A12 cut short', (form) => ({ ...form, code: (form.code ?? '').slice(0, 63) }), 'invalid_grant'],
    ['without code', (form) => without(form, 'code'), 'invalid_request'],
    [
      'H1 for a resource that was not granted',
      (form) => ({ ...form, resource: 'https://mcp.lanonasis.com/mcp' }),
      'invalid_target',
    ],
  ])('%s', async (_, change, error) => {
    const form = await codeFor()
    expect(await token(change(form))).toMatchObject(refused(error))
    expect((await token(form)).status).toBe(200)
  })

  test('A15 with a verifier when no challenge was sent', async () => {
    const form = await codeFor(exempt, { code_challenge: undefined, code_challenge_method: undefined })
    const auth = basicAuth(exempt.client_id, exempt.client_secret)
    expect(await token(without(form, 'client_id'), auth)).toMatchObject(refused('invalid_request'))
    expect(await token(without(form, 'client_id', 'code_verifier', 'redirect_uri'), auth)).toMatchObject(
      refused('invalid_grant'),
    )
    expect((await token(without(form, 'client_id', 'code_verifier'), auth)).status).toBe(200)
  })

  test('A12 that is older than 60 seconds', async () => {
    const form = await codeFor()
    expect(await withClockAhead(61_000, () => token(form))).toMatchObject(refused('invalid_grant'))
  })

  test('A13 A14 the second time, and its tokens are revoked', async () => {
    const form = await codeFor()
    const { body } = await token(form)
    expect(await token(form)).toMatchObject(refused('invalid_grant'))
    const look = await post(gateway, '/oauth/introspect', { token: body.access_token })
    expect(look.body).toEqual({ active: false })
  })
})

test('A16 the redirect URI may be left out with PKCE', async () => {
  expect((await token(without(await codeFor(), 'redirect_uri'))).status).toBe(200)
})

test('A12 codes and tokens are stored as hashes only', async () => {
  const form = await codeFor()
  const { body } = await token(form)
  for (const secret of [form.code, body.refresh_token, body.access_token]) {
    const [row] = await gateway.sql`
      select count(*)::int as n from auth_gateway.event_store e where e.data::text like ${`%${secret}%`} or e.metadata::text like ${`%${secret}%`}`
    expect(row?.n).toBe(0)
  }
})

test.each(['GET', 'PUT', 'DELETE'])('A19 %s is 405 with Allow', async (method) => {
  const response = await fetch(`${gateway.url}/oauth/token`, { method })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toContain('POST')
})

test('A19 JSON and form are read alike, text is 415, parameters in the URL are refused', async () => {
  const form = await codeFor()
  expect((await postJson(gateway, '/oauth/token', form)).status).toBe(200)
  const text = await fetch(`${gateway.url}/oauth/token`, { method: 'POST', body: 'grant_type=x' })
  expect(text.status).toBe(415)
  expect(await text.json()).toMatchObject({ error: 'invalid_request' })
  const inUrl = await post(gateway, `/oauth/token?${new URLSearchParams(form)}`, form)
  expect(inUrl).toMatchObject(refused('invalid_request'))
})

test('A3 A5 unknown parameters are ignored and empty ones left out', async () => {
  const form = { ...(await codeFor()), vendor: 'x', refresh_token: '', client_secret: '' }
  expect((await token(form)).status).toBe(200)
})

test.each(['code', 'client_id', 'grant_type', 'code_verifier'])(
  'A4 %s given twice is invalid_request',
  async (name) => {
    const form = new URLSearchParams(await codeFor())
    form.append(name, 'x')
    expect(await post(gateway, '/oauth/token', form)).toMatchObject(refused('invalid_request'))
  },
)

test.each(['__proto__', 'constructor', 'toString'])('A4 a parameter named %s harms nothing', async (name) => {
  const form = new URLSearchParams({ grant_type: 'x', client_id: 'x', [name]: 'x' })
  form.append(name, 'y')
  expect(await post(gateway, '/oauth/token', form)).toMatchObject(refused('unsupported_grant_type'))
})

describe('A20-A24 client authentication', () => {
  test('A21 Basic with form-encoded parts, and the secret in the body', async () => {
    const first = await codeFor(basic)
    expect((await token(without(first, 'client_id'), basicAuth(basic.client_id, basic.client_secret))).status).toBe(200)
    const second = await codeFor(byPost)
    expect((await token({ ...second, client_secret: byPost.client_secret })).status).toBe(200)
  })

  test('A20 two mechanisms at once are invalid_request', async () => {
    const form = { ...(await codeFor(basic)), client_secret: basic.client_secret }
    expect(await token(form, basicAuth(basic.client_id, basic.client_secret))).toMatchObject(refused('invalid_request'))
  })

  test.each([
    ['A23 a wrong secret by Basic', () => basicAuth(basic.client_id, 'wrong'), () => basic, {}],
    ['A23 an unknown client', () => ({}), () => ({ ...NATIVE, client_id: 'nobody' }), {}],
    ['A22 no secret at all', () => ({}), () => basic, {}],
    ['A22 a secret for a public client', () => ({}), () => NATIVE, { client_secret: 'x' }],
  ])('%s is 401 invalid_client', async (_, headers, client, extra) => {
    const { client_id } = client()
    const sent: Record<string, string> = headers()
    const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id, ...extra }
    const answer = await token(sent.authorization ? without(form, 'client_id') : form, sent)
    expect(answer).toMatchObject(refused('invalid_client', 401))
    if (sent.authorization) expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  test('A22 a secret is accepted by Basic and in the body, whichever of the two is registered', async () => {
    const inBody = { ...(await codeFor(basic)), client_secret: basic.client_secret }
    expect(await token(inBody)).toMatchObject({ status: 200 })
    const byBasic = without(await codeFor(byPost), 'client_id')
    expect(await token(byBasic, basicAuth(byPost.client_id, byPost.client_secret))).toMatchObject({ status: 200 })
  })

  test('A24 429 after twenty wrong secrets, also for the right one', async () => {
    const guessed = await addClient(gateway, 'guessed')
    const from = { 'x-real-ip': '192.0.2.9' }
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    for (let tries = 0; tries < 20; tries++)
      expect((await token(form, { ...basicAuth('guessed', 'wrong'), ...from })).status).toBe(401)
    const right = await token(form, { ...basicAuth('guessed', guessed.client_secret), ...from })
    expect(right.status).toBe(429)
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0)
    const elsewhere = await token(form, basicAuth('guessed', guessed.client_secret))
    expect(elsewhere).toMatchObject(refused('invalid_grant'))
  })

  test('A24 secrets rest as hashes', async () => {
    const [row] =
      await gateway.sql`select secrets::text as text from auth_gateway.api_clients where client_id = ${basic.client_id}`
    expect(row?.text).toMatch(/[0-9a-f]{64}/)
    expect(row?.text).not.toContain(basic.client_secret)
  })

  test('a suspended client is invalid_client', async () => {
    const { apiClient, suspendClient } = await import('../../shared/domain/api-client.ts')
    const { commit } = await import('../../shared/events/commit.ts')
    const banned = await addClient(gateway, 'banned', { token_endpoint_auth_method: 'none' })
    const form = await codeFor(banned)
    const [row] = await gateway.sql`select id from auth_gateway.api_clients where client_id = 'banned'`
    await commit(createCall(gateway.gateway), async (work) => {
      const stream = await work.load(apiClient, row?.id, {})
      stream.decide((state) => suspendClient(state, 'test'))
    })
    expect(await token(form)).toMatchObject(refused('invalid_client', 401))
  })
})

test('A25 A27 the response is uncached JSON with its scope; errors too', async () => {
  const good = await token(await codeFor())
  for (const { headers } of [good, await token({ grant_type: 'x', client_id: 'x' })]) {
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-type')).toContain('application/json')
  }
  expect(good.body).toMatchObject({ token_type: 'Bearer', scope: 'openid email', expires_in: 3600 })
})

test('A26 descriptions keep to their characters and repeat no input', async () => {
  const { body } = await token({ grant_type: '"<script>\\\u00e9', client_id: '"x' })
  expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
  expect(body.error_description).not.toContain('script')
})

describe('A29-A32 refresh', () => {
  const refresh = (refresh_token: string, changes: Record<string, string> = {}) =>
    token({ grant_type: 'refresh_token', client_id: NATIVE.client_id, refresh_token, ...changes })

  test('A29 the scope may shrink, never grow, and the next token keeps the original one', async () => {
    const first = await getTokens(gateway, person, { scope: 'openid email memories:read' })
    const less = await refresh(first.refresh_token, { scope: 'memories:read' })
    expect(less.body).toMatchObject({ scope: 'memories:read' })
    const again = await refresh(less.body.refresh_token)
    expect(again.body).toMatchObject({ scope: 'openid email memories:read' })
    const more = await refresh(again.body.refresh_token, { scope: 'openid memories:write' })
    expect(more).toMatchObject(refused('invalid_scope'))
  })

  test('A29 it is bound to its client', async () => {
    const { refresh_token } = await getTokens(gateway, person)
    expect(await refresh(refresh_token, { client_id: 'lanonasis-cli' })).toMatchObject(refused('invalid_grant'))
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('A29 H1 it is bound to its resource', async () => {
    const { refresh_token } = await getTokens(gateway, person, { resource: 'https://api.lanonasis.com' })
    const elsewhere = await refresh(refresh_token, { resource: 'https://mcp.lanonasis.com/mcp' })
    expect(elsewhere).toMatchObject(refused('invalid_target'))
    expect((await refresh(refresh_token, { resource: 'https://API.lanonasis.com/' })).status).toBe(200)
  })

  test('A30 A31 it rotates; the same request within 30 s gets the same answer', async () => {
    const first = await getTokens(gateway, person)
    const [one, two] = [await refresh(first.refresh_token), await refresh(first.refresh_token)]
    expect(one.body.refresh_token).not.toBe(first.refresh_token)
    expect(two.text).toBe(one.text)
  })

  test('A32 rotation does not extend the end of the family', async () => {
    const first = await getTokens(gateway, person)
    const ends = () => gateway.sql`select max(expires_at) as at from auth_gateway.token_families`
    const [before] = await ends()
    await refresh(first.refresh_token)
    const [after] = await ends()
    expect(after?.at).toEqual(before?.at)
  })

  test('A32 it ends when idle for 30 days', async () => {
    const first = await getTokens(gateway, person)
    const late = await withClockAhead(31 * 86_400_000, () => refresh(first.refresh_token))
    expect(late).toMatchObject(refused('invalid_grant'))
  })
})

test.each(['password', 'implicit', 'urn:ietf:params:oauth:grant-type:saml2-bearer'])(
  'A34 grant type %s is unsupported',
  async (grant_type) => {
    const form = { grant_type, client_id: NATIVE.client_id, username: 'x', password: 'x' }
    expect(await token(form)).toMatchObject(refused('unsupported_grant_type'))
  },
)

test('A42 subjects are uuids, client ids never are', async () => {
  expect(person.uai).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  const rows = await gateway.sql`select client_id from auth_gateway.api_clients`
  expect(rows.filter(({ client_id }) => /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(client_id))).toEqual([])
})

test('C5 a secret that a public client ships proves nothing: it gets no confidential treatment', async () => {
  const form = { ...(await codeFor()), client_secret: 'shipped' }
  expect(await token(form)).toMatchObject(refused('invalid_client', 401))
})
