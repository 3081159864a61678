import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, IP_HEADER, randomIp, useGateway } from '../support/gateway.ts'
import { authorize, authorizeParams, newVerifier, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const ORIGIN = 'https://spa.example'
const CLIENT = { client_id: 'spa', redirect_uri: `${ORIGIN}/callback` }

const gateway = useGateway()
let person: SignedInBrowser
beforeAll(async () => {
  const metadata = { token_endpoint_auth_method: 'none' as const, redirect_uris: [CLIENT.redirect_uri] }
  await addClient(gateway, CLIENT.client_id, metadata)
  await addClient(gateway, 'named-origins', { ...metadata, web_origins: [ORIGIN, 'http://localhost:5173'] })
  person = await signIn(gateway)
})

type Call = { method?: string; headers?: Record<string, string>; body?: URLSearchParams | string }

/** What a script of a page at `origin` can read of an answer: nothing unless CORS lets it, preflight first. */
async function fromPage(origin: string, path: string, { method = 'POST', headers = {}, body }: Call = {}) {
  const names = Object.keys(headers).filter((name) => name !== 'accept')
  const allows = (response: Response, credentials = false) => {
    const allowed = response.headers.get('access-control-allow-origin')
    return allowed === origin || (allowed === '*' && !credentials)
  }
  if (names.length > 0 || method === 'PUT' || method === 'DELETE') {
    const preflight = await fetch(`${gateway.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': names.join(','),
      },
    })
    const allowed = (preflight.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ')
    const passes = preflight.ok && allows(preflight) && names.every((name) => allowed.includes(name.toLowerCase()))
    const methods = (preflight.headers.get('access-control-allow-methods') ?? '').split(', ')
    if (!passes || !methods.includes(method)) throw new TypeError(`Failed to fetch: preflight of ${path}`)
  }
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    body,
    headers: { ...headers, origin, [IP_HEADER]: randomIp() },
  })
  if (!allows(response)) throw new TypeError(`Failed to fetch: ${path}`)
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined, headers: response.headers }
}

/** A code of the person for the client, and the form that redeems it. */
async function redemption(client_id = CLIENT.client_id) {
  const verifier = newVerifier()
  const params = authorizeParams(verifier, { ...CLIENT, client_id, scope: 'openid memories:read offline_access' })
  const code = (await authorize(person.browser, params)).get('code') ?? ''
  return new URLSearchParams({
    ...{ grant_type: 'authorization_code', client_id, redirect_uri: CLIENT.redirect_uri },
    ...{ code, code_verifier: verifier },
  })
}

test('a public application on its own origin finds, redeems, reads, refreshes and revokes', async () => {
  const discovery = await fromPage(ORIGIN, '/.well-known/openid-configuration', {
    method: 'GET',
    headers: { 'x-client-sdk': 'spa 1.0' },
  })
  expect(discovery.body.token_endpoint).toBe(`${gateway.url}/oauth/token`)
  expect((await fromPage(ORIGIN, '/oauth/jwks.json', { method: 'GET' })).body.keys.length).toBeGreaterThan(1)
  const tokens = await fromPage(ORIGIN, '/oauth/token', {
    body: await redemption(),
    headers: { 'x-client-sdk': 'spa' },
  })
  expect(tokens.status).toBe(200)
  const authorization = `Bearer ${tokens.body.access_token}`
  const info = await fromPage(ORIGIN, '/oauth/userinfo', { method: 'GET', headers: { authorization } })
  expect(info.body.sub).toBe(person.uai)
  const { client_id } = CLIENT
  const refresh = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id,
    refresh_token: tokens.body.refresh_token,
  })
  const again = await fromPage(ORIGIN, '/oauth/token', { body: refresh })
  expect(again.status).toBe(200)
  const token = new URLSearchParams({ token: again.body.refresh_token, client_id })
  expect((await fromPage(ORIGIN, '/oauth/revoke', { body: token })).body).toEqual({ revoked: true })
})

test('it can register and be managed, push a request, and begin a device sign-in', async () => {
  const json = { 'content-type': 'application/json' }
  const metadata = { redirect_uris: [CLIENT.redirect_uri], client_name: 'Registered from a page' }
  const made = await fromPage(ORIGIN, '/register', { body: JSON.stringify(metadata), headers: json })
  expect(made.status).toBe(201)
  const authorization = `Bearer ${made.body.registration_access_token}`
  const { client_id } = made.body
  const changed = await fromPage(ORIGIN, `/register/${client_id}`, {
    method: 'PUT',
    headers: { ...json, authorization },
    body: JSON.stringify({ ...metadata, client_id, client_name: 'Renamed' }),
  })
  expect(changed.body.client_name).toBe('Renamed')
  const params = new URLSearchParams(authorizeParams(newVerifier(), { ...CLIENT, client_id, scope: undefined }))
  expect((await fromPage(ORIGIN, '/oauth/par', { body: params })).status).toBe(201)
  expect((await fromPage(ORIGIN, '/oauth/device', { body: new URLSearchParams({ client_id }) })).body.error).toBe(
    'unauthorized_client',
  )
})

test('a refusal can be read, with what it asks for', async () => {
  const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: 'dashboard-web', code: 'x' })
  const refused = await fromPage(ORIGIN, '/oauth/token', { body, headers: { authorization: 'Basic eDp5' } }).catch(
    String,
  )
  expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
})

describe('no cookie counts where any origin may call', () => {
  const cookie = () => [...person.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  test('401 at userinfo for a session cookie', async () => {
    const response = await fetch(`${gateway.url}/oauth/userinfo`, { headers: { cookie: cookie(), origin: ORIGIN } })
    expect([response.status, response.headers.get('access-control-allow-credentials')]).toEqual([401, null])
  })

  test.each([
    '/v1/auth/me',
    '/v1/auth/sessions',
    '/v1/auth/api-keys',
    '/account',
    '/oauth/authorize',
    '/v1/auth/session',
  ])('no answer for a page elsewhere: %s', async (path) => {
    const response = await fetch(`${gateway.url}${path}`, { headers: { cookie: cookie(), origin: ORIGIN } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('a client that names its web origins', () => {
  const redeemAt = async (origin: string | undefined) => {
    const body = await redemption('named-origins')
    const headers: Record<string, string> = { [IP_HEADER]: randomIp(), ...(origin && { origin }) }
    return fetch(`${gateway.url}/oauth/token`, { method: 'POST', body, headers })
  }

  test.each([
    [ORIGIN, 200],
    ['http://localhost:5173', 200],
    [undefined, 200],
    ['https://evil.example', 400],
    ['https://spa.example:8443', 400],
    ['null', 400],
  ])('%s: %i', async (origin, status) => {
    expect((await redeemAt(origin)).status).toBe(status)
  })

  test('its tokens are refused at userinfo from elsewhere', async () => {
    const { access_token } = await (await redeemAt(ORIGIN)).json()
    const read = async (origin: string) => {
      const headers = { authorization: `Bearer ${access_token}`, origin }
      return (await fetch(`${gateway.url}/oauth/userinfo`, { headers })).status
    }
    expect([await read(ORIGIN), await read('https://evil.example')]).toEqual([200, 400])
  })

  test.each([
    'https://spa.example/',
    'https://spa.example/path',
    'http://spa.example',
    '*',
    'null',
    'ftp://spa.example',
  ])('registers no %s', async (origin) => {
    const body = JSON.stringify({ redirect_uris: [CLIENT.redirect_uri], web_origins: [origin] })
    const headers = { 'content-type': 'application/json', [IP_HEADER]: randomIp() }
    expect((await fetch(`${gateway.url}/register`, { method: 'POST', body, headers })).status).toBe(400)
  })
})
