import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients } from '../../scripts/clients.ts'
import { createCall } from '../../shared/call.ts'
import { commit } from '../../shared/events/commit.ts'
import { mergeIdentities, personOf } from '../../shared/people/identities.ts'
import { call } from '../scripts/terminal.ts'
import { api } from '../support/api-keys.ts'
import { type DocumentServer, startDocumentServer } from '../support/document-server.ts'
import { addClient, IP_HEADER, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { authorize, authorizeParams, getTokens, newVerifier, post, signIn } from '../support/sign-in.ts'

const OWN_SERVICE = '10.99.0.7'
const SCOPE = 'openid profile memories:read'

const gateway = useGateway({ env: { VERIFIER_ADDRESSES: '10.99.0.0/24' } })
let documents: DocumentServer
beforeAll(async () => {
  documents = await startDocumentServer()
  const pairwise = { subject_type: 'pairwise', token_endpoint_auth_method: 'none' } as const
  for (const [clientId, host] of Object.entries({ one: 'one.example', twin: 'one.example', two: 'two.example' }))
    await addClient(gateway, clientId, {
      ...pairwise,
      scope: 'openid profile email memories:read account:read',
      redirect_uris: [`https://${host}/${clientId}`],
    })
  await addClient(gateway, 'our-service', { redirect_uris: ['https://service.example/'] }, true)
})
afterAll(() => documents?.stop())

const client = (id: string, host = `${id}.example`) => ({
  client_id: id,
  redirect_uri: `https://${host}/${id}`,
  scope: SCOPE,
})
const ONE = client('one')
/** The same client with a token for the account routes. */
const account = () => ({ ...ONE, scope: `${SCOPE} account:read`, resource: gateway.url })
const tokensOf = (person: Awaited<ReturnType<typeof signIn>>, asked = ONE) => getTokens(gateway, person, asked)
const subOf = async (...args: Parameters<typeof tokensOf>) => decodeJwt((await tokensOf(...args)).id_token ?? '').sub

test('P8 a person has another subject at clients of another host, and always the same at clients of one', async () => {
  const ada = await signIn(gateway)
  const sub = await subOf(ada)
  expect(sub).toMatch(/^[\w-]{43}$/)
  expect(await subOf(ada, client('twin', 'one.example'))).toBe(sub)
  expect(await subOf(ada, client('two'))).not.toBe(sub)
  await openLimits(gateway)
  expect(await subOf(await signIn(gateway, ada.email))).toBe(sub)
  expect(await subOf(await signIn(gateway))).not.toBe(sub)
})

test('P8 nothing that such a client gets names the UAI, the organization or the session of the person', async () => {
  const ada = await signIn(gateway)
  const tokens = await tokensOf(ada)
  const { sub } = decodeJwt(tokens.id_token ?? '')
  const token = tokens.access_token
  expect(decodeJwt(token).sub).toBe(sub)
  const { access_token: ofAccount } = await tokensOf(ada, account())
  const get = async (path: string, bearer = token) => {
    const response = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${bearer}` } })
    return { status: response.status, text: JSON.stringify([...response.headers]) + (await response.text()) }
  }
  const answers = [
    { status: 200, text: JSON.stringify([decodeJwt(token), decodeJwt(tokens.id_token ?? '')]) },
    await get('/oauth/userinfo'),
    await get('/v1/auth/verify'),
    await get('/v1/auth/resolve'),
    await get('/v1/auth/me', ofAccount),
    await get('/v1/auth/session', ofAccount),
    await post(gateway, '/oauth/introspect', { token }),
    await post(gateway, '/v1/auth/introspect', { token }),
    await post(gateway, '/v1/auth/verify-token', { token }),
  ]
  const [session] = await gateway.sql`
    select s.id as sid, i.organization_id as organization from auth_gateway.sessions s
    join auth_gateway.identities i on i.uai = s.uai where s.uai = ${ada.uai}`
  for (const { status, text } of answers) {
    expect(status).toBe(200)
    expect(text).toContain(sub)
    for (const secret of [ada.uai, session?.sid, session?.organization]) expect(text).not.toContain(secret)
  }
  for (const path of ['/v1/projects', '/v1/auth/api-keys', '/v1/auth/sessions', '/v1/auth/identities/me'])
    expect([path, (await get(path, ofAccount)).status]).toEqual([path, 403])
  const guess = await get(`/v1/auth/resolve?uai=${ada.uai}`)
  expect(guess.status).toBe(403)
  expect((await get(`/v1/auth/resolve?uai=${sub}`)).status).toBe(200)
})

test('P8 a service of ours learns who it is: by its own authentication, or from its address', async () => {
  const ada = await signIn(gateway)
  const { access_token: token } = await tokensOf(ada)
  const basic = `Basic ${Buffer.from('our-service:a+secret%3A+%2B%25').toString('base64')}`
  const { body } = await post(gateway, '/oauth/introspect', { token }, { authorization: basic })
  expect(body).toMatchObject({ active: true, sub: ada.uai, user_id: ada.uai, organization_id: expect.any(String) })
  const headers = { authorization: `Bearer ${token}`, [IP_HEADER]: OWN_SERVICE }
  const resolved = await fetch(`${gateway.url}/v1/auth/resolve`, { headers })
  expect(resolved.headers.get('x-uai-auth-id')).toBe(ada.uai)
})

test('P8 tokens and hints stay valid after a merge, and for prompt=none and logout', async () => {
  const [ada, other] = [await signIn(gateway), await signIn(gateway)]
  const before = await tokensOf(ada)
  const { gateway: inner } = gateway
  await commit(createCall(inner), async (work) => {
    const [survivor, retired] = [await personOf(inner, other.uai), await personOf(inner, ada.uai)]
    await mergeIdentities(work, { survivor, retired, evidence: { method: 'both_signed_in' } })
  })
  expect((await post(gateway, '/oauth/introspect', { token: before.access_token })).body.active).toBe(true)
  expect(await subOf(ada)).toBe(await subOf(other))
  const hint = { ...ONE, prompt: 'none', id_token_hint: before.id_token }
  const answer = await authorize(ada.browser, authorizeParams(newVerifier(), hint))
  expect(answer.get('code')).toBeTruthy()
  const stranger = await signIn(gateway)
  const denied = await authorize(stranger.browser, authorizeParams(newVerifier(), hint))
  expect(denied.get('error')).toBe('login_required')
  const left = await ada.browser.visit(`/oauth/logout?id_token_hint=${before.id_token}`)
  expect(left.html).toContain('signed out')
  expect(ada.browser.cookies.has('lanonasis_session')).toBe(false)
})

describe('P8 sector_identifier_uri (OpenID Connect Registration section 5)', () => {
  const uris = ['https://a.example/callback', 'https://b.example/callback']
  const register = (body: object) => api(gateway, 'POST', '/register', { body: { subject_type: 'pairwise', ...body } })

  test('201 when it lists every redirect URI, also of several hosts', async () => {
    const sector_identifier_uri = documents.answer('/sector', (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(uris)),
    )
    const { status, body } = await register({ redirect_uris: uris, sector_identifier_uri })
    expect(status).toBe(201)
    expect(body).toMatchObject({ subject_type: 'pairwise', sector_identifier_uri })
    const again = await register({ redirect_uris: [uris[1]], sector_identifier_uri })
    const ada = await signIn(gateway)
    const asked = ({ client_id }: { client_id: string }) => ({
      client_id,
      redirect_uri: uris[1] ?? '',
      scope: 'openid',
    })
    const minimal = { scope: 'openid memories:read' }
    expect(await subOf(ada, { ...asked(body as never), ...minimal })).toBe(
      await subOf(ada, { ...asked(again.body as never), ...minimal }),
    )
  })

  test('400 for several hosts without it, a list without one, no list, no answer, and one that is not public', async () => {
    const partial = documents.answer('/partial', (_request, response) => response.end(JSON.stringify([uris[0]])))
    const page = documents.answer('/page', (_request, response) => response.end('<html>'))
    for (const sector_identifier_uri of [
      undefined,
      partial,
      page,
      `${documents.url}/missing`,
      'https://10.0.0.1/sector',
      'ftp://a.example/x',
    ]) {
      const { status, body } = await register({ redirect_uris: uris, sector_identifier_uri })
      expect([status, body.error, sector_identifier_uri]).toEqual([
        400,
        'invalid_client_metadata',
        sector_identifier_uri,
      ])
    }
  })
})

test('P8 the metadata says so, and an application of ours cannot be made one', async () => {
  const { body } = await api(gateway, 'GET', '/.well-known/openid-configuration')
  expect(body.subject_types_supported).toEqual(['public', 'pairwise'])
  const { DATABASE_URL = '', AUTH_MASTER_SECRET = '' } = process.env
  const env = { DATABASE_URL, AUTH_MASTER_SECRET }
  const pairwise = ['--first-party', '--subject-type', 'pairwise', '--redirect-uri', 'https://own.example/']
  const { exitCode, err } = await call(clients, env, 'add', '--name', 'Own', ...pairwise)
  expect([exitCode, err]).toEqual([1, expect.stringContaining('cannot be pairwise')])
})
