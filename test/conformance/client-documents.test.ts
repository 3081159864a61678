import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { documentAddressProblem } from '../../shared/oauth/clients/client-document.ts'
import { type DocumentServer, startDocumentServer } from '../support/document-server.ts'
import { eventsOf, useGateway } from '../support/gateway.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  getTokens,
  newVerifier,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
let server: DocumentServer
const redirect_uri = 'https://agent.example/callback'
const document = { client_name: 'Helpful Agent', redirect_uris: [redirect_uri] }

beforeAll(async () => {
  server = await startDocumentServer()
  person = await signIn(gateway)
})
afterAll(() => server?.stop())

const asked = (client_id: string, changes: Record<string, string | undefined> = {}) =>
  authorizeParams(newVerifier(), { client_id, redirect_uri, scope: undefined, ...changes })
const open = (client_id: string, changes = {}) =>
  person.browser.visit(`/oauth/authorize?${new URLSearchParams(asked(client_id, changes))}`)
const clientEvents = async (clientId: string) => {
  const events = await eventsOf(gateway, 'api_client')
  const id = events.find(({ data }) => data.clientId === clientId)?.stream_id
  return id ? eventsOf(gateway, 'api_client', id) : []
}
const forgetFreshness = () => gateway.sql`update auth_gateway.client_documents set fresh_until = now() - interval '1 s'`

describe('R9 what an address may look like', () => {
  test.each([
    ['no path', 'https://agent.example'],
    ['path /', 'https://agent.example/'],
    ['dot segments', 'https://agent.example/a/../c'],
    ['encoded dot segments', 'https://agent.example/a/%2e%2e/c'],
    ['fragment', 'https://agent.example/c#f'],
    ['empty fragment', 'https://agent.example/c#'],
    ['user', 'https://me@agent.example/c'],
    ['password', 'https://me:secret@agent.example/c'],
    ['default port', 'https://agent.example:443/c'],
    ['upper-case host', 'https://Agent.example/c'],
    ['backslash', 'https://agent.example\\c'],
    ['space', 'https://agent.example/a b'],
    ['control character', 'https://agent.example/a\nb'],
    ['http', 'http://agent.example/c'],
    ['http on loopback for a gateway that is not', 'http://127.0.0.1:1/c'],
    ['too long', `https://agent.example/${'c'.repeat(600)}`],
  ])('%s is refused', (_name, address) => {
    expect(documentAddressProblem(address, false)).toEqual(expect.any(String))
  })

  test.each(['https://agent.example/c', 'https://agent.example:8443/c/client.json', 'https://agent.example/c?v=1'])(
    '%s is taken',
    (address) => expect(documentAddressProblem(address, false)).toBeUndefined(),
  )

  test('the authorization endpoint says so on an error page', async () => {
    const page = await open(`${server.url}/a/../c`)
    expect(page).toMatchObject({ status: 400, location: undefined })
    expect(page.html).toContain('is not in normalized form')
  })
})

test('R8 R10 R15 R17 a document is read, and its hosts are shown', async () => {
  const { body } = await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`))
    .json()
    .then((body) => ({ body }))
  expect(body.client_id_metadata_document_supported).toBe(true)
  const client_id = server.serve('/plain', document)
  const page = await open(client_id)
  expect(page.status).toBe(200)
  for (const shown of ['Helpful Agent', 'agent.example', new URL(server.url).host, 'Not verified'])
    expect(page.html).toContain(shown)
  const tokens = await getTokens(gateway, person, { client_id, redirect_uri, scope: undefined })
  expect(tokens.scope).toBe('memories:read mcp:connect')
  const refreshed = await post(gateway, '/oauth/token', {
    grant_type: 'refresh_token',
    client_id,
    refresh_token: tokens.refresh_token ?? '',
  })
  // A document that does not ask for refresh tokens gets none.
  expect(refreshed.status).toBe(400)
  expect(server.asked.get('/plain')).toBe(1)
  expect((await clientEvents(client_id)).map((one) => one.event_type)).toEqual(['ClientRegistered'])
})

test('R10 members of a document that say nothing count as left out', async () => {
  const silent = {
    grant_types: [],
    response_types: null,
    scope: '',
    contacts: [null],
    jwks: { keys: [] },
    logo_uri: '',
  }
  const client_id = server.serve('/silent', { ...document, ...silent })
  expect((await open(client_id)).status).toBe(200)
})

test('A41 a client of a document is asked about every time, also with an https redirect', async () => {
  const client_id = server.serve('/asked', document)
  await authorize(person.browser, asked(client_id))
  expect((await open(client_id)).status).toBe(200)
})

test('R10 R13 twenty at once read and register one client', async () => {
  const client_id = server.serve('/race', document)
  const people = await Promise.all(Array.from({ length: 20 }, () => createBrowser(gateway)))
  const pages = await Promise.all(
    people.map((browser) => browser.visit(`/oauth/authorize?${new URLSearchParams(asked(client_id))}`)),
  )
  expect(new Set(pages.map((page) => page.status))).toEqual(new Set([200]))
  expect(await clientEvents(client_id)).toHaveLength(1)
})

describe('R10 R11 documents that do not count', () => {
  test.each<[string, object, Record<string, string>?]>([
    ['another client_id', { ...document, client_id: 'https://other.example/c' }],
    ['no client_id', { ...document, client_id: undefined }],
    ['no name', { redirect_uris: [redirect_uri] }],
    ['a name of ours', { ...document, client_name: 'L​anOnasis CLI' }],
    ['a secret', { ...document, client_secret: 'x' }],
    ['a method with a secret', { ...document, token_endpoint_auth_method: 'client_secret_basic' }],
    ['no redirect URI', { ...document, redirect_uris: [] }],
    ['a script as redirect URI', { ...document, redirect_uris: ['javascript:alert(1)'] }],
    ['private_key_jwt without keys', { ...document, token_endpoint_auth_method: 'private_key_jwt' }],
    ['HTML', document, { 'content-type': 'text/html' }],
    ['too much', { ...document, padding: 'x'.repeat(11_000) }],
  ])('%s', async (name, given, headers) => {
    const client_id = server.serve(`/bad-${encodeURIComponent(name)}`, given, headers)
    const page = await open(client_id)
    expect(page).toMatchObject({ status: 400, location: undefined })
    expect(await clientEvents(client_id)).toEqual([])
  })

  test('a private key', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [await exportJWK(privateKey)] }
    const client_id = server.serve('/private', { ...document, token_endpoint_auth_method: 'private_key_jwt', jwks })
    expect((await open(client_id)).status).toBe(400)
  })

  test.each([
    ['a redirect', 302, { location: '/plain' }],
    ['an error', 500, {}],
    ['partial content', 206, { 'content-type': 'application/json' }],
  ])('%s', async (_name, status, headers) => {
    const client_id = server.answer(`/status-${status}`, (_request, response) => {
      response.writeHead(status, headers as Record<string, string>).end('{}')
    })
    expect((await open(client_id)).status).toBe(400)
  })

  test.each([
    ['link-local', 'https://169.254.169.254/latest/meta-data'],
    ['private', 'https://10.0.0.1/c'],
    ['mapped', 'https://[::ffff:10.0.0.1]/c'],
    ['documentation', 'https://192.0.2.1/c'],
  ])('an address that is not public: %s', async (_name, client_id) => {
    const page = await open(new URL(client_id).href)
    expect(page.status).toBe(400)
    expect(page.html).toContain('non-public')
  })
})

test('R13 a failure is not cached: the next request reads again', async () => {
  let broken = true
  const client_id = `${server.url}/mended`
  server.answer('/mended', (_request, response) => {
    response.writeHead(broken ? 503 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ client_id, ...document }))
  })
  expect((await open(client_id)).status).toBe(400)
  broken = false
  expect((await open(client_id)).status).toBe(200)
})

test('R13 caching follows the server within bounds', async () => {
  const quick = server.serve('/no-store', document, { 'cache-control': 'no-store' })
  const slow = server.serve('/year', document, { 'cache-control': 'max-age=31536000' })
  await open(quick)
  await open(slow)
  const rows = await gateway.sql<{ client_id: string; seconds: number }[]>`
    select c.client_id, round(extract(epoch from d.fresh_until - d.fetched_at))::int as seconds
    from auth_gateway.client_documents d join auth_gateway.api_clients c on c.id = d.client_id`
  expect(rows).toContainEqual({ client_id: quick, seconds: 300 })
  expect(rows).toContainEqual({ client_id: slow, seconds: 86_400 })
})

test('R14 a change is an event, and what people allowed the client before is not remembered', async () => {
  const client_id = server.serve('/changing', document)
  await authorize(person.browser, asked(client_id))
  expect((await open(client_id)).html).toContain('already allowed this')
  server.serve('/changing', { ...document, client_name: 'Another Agent' })
  await forgetFreshness()
  const page = await open(client_id)
  expect(page.html).toContain('Another Agent')
  expect(page.html).not.toContain('already allowed this')
  expect((await clientEvents(client_id)).map((one) => one.event_type)).toEqual(['ClientRegistered', 'ClientUpdated'])
})

describe('R18 private_key_jwt from the document', () => {
  test('is asked for, and the keys of the document prove the client', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }
    const given = { ...document, token_endpoint_auth_method: 'private_key_jwt', jwks }
    const client_id = server.serve('/keys', given)
    const verifier = newVerifier()
    const params = authorizeParams(verifier, { client_id, redirect_uri, scope: undefined })
    const code = (await authorize(person.browser, params)).get('code') ?? ''
    const exchange = { grant_type: 'authorization_code', client_id, redirect_uri, code, code_verifier: verifier }
    expect(await post(gateway, '/oauth/token', exchange)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
    const assertion = await new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(client_id)
      .setSubject(client_id)
      .setAudience(gateway.url)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey)
    const proven = {
      ...exchange,
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    expect((await post(gateway, '/oauth/token', proven)).status).toBe(200)
  })
})

test('tokens outlive the silence of the client’s server for a day, a bad document ends them', async () => {
  const grant_types = ['authorization_code', 'refresh_token']
  const client_id = server.serve('/silent', { ...document, grant_types })
  const tokens = await getTokens(gateway, person, { client_id, redirect_uri, scope: undefined })
  const refresh = (refresh_token: string) =>
    post(gateway, '/oauth/token', { grant_type: 'refresh_token', client_id, refresh_token })
  server.answer('/silent', (_request, response) => void response.writeHead(503).end())
  await forgetFreshness()
  const again = await refresh(tokens.refresh_token)
  expect(again.status).toBe(200)
  server.serve('/silent', { ...document, client_id: 'https://elsewhere.example/c' })
  const refused = await refresh(again.body.refresh_token)
  expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  expect(refused.body.error_description).toContain('another client_id')
})

test('ids of documents are compared as they are, those of registered clients in any case', async () => {
  const stranger = createBrowser(gateway)
  const other = await startDocumentServer()
  onTestFinished(() => other.stop())
  const signInPage = async (client_id: string) =>
    (await stranger.visit(`/oauth/authorize?${new URLSearchParams(asked(client_id))}`)).html
  const lower = other.serve('/case', document)
  const upper = other.serve('/CASE', { ...document, client_name: 'Shouting Agent' })
  expect(await signInPage(lower)).toContain('Helpful Agent')
  expect(await signInPage(upper)).toContain('Shouting Agent')
})

test('429 one caller cannot have many documents read', async () => {
  const stranger = createBrowser(gateway)
  const other = await startDocumentServer()
  onTestFinished(() => other.stop())
  const statuses: number[] = []
  for (let n = 0; n < 32; n++) {
    const query = new URLSearchParams(asked(`${other.url}/nothing-${n}`))
    statuses.push((await stranger.visit(`/oauth/authorize?${query}`)).status)
  }
  expect(statuses.slice(0, 30)).toEqual(Array(30).fill(400))
  expect(statuses.slice(30)).toEqual([429, 429])
})
