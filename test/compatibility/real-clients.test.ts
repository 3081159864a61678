import { OAuthClientInformationFullSchema, OAuthTokensSchema } from '@modelcontextprotocol/sdk/shared/auth.js'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { api } from '../support/api-keys.ts'
import { type DocumentServer, startDocumentServer } from '../support/document-server.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { authorizeParams, newVerifier, post, type SignedInBrowser, signIn } from '../support/sign-in.ts'
import { REAL_CLIENTS, type RealClient } from './real-clients.ts'

const gateway = useGateway()
let documents: DocumentServer
let person: SignedInBrowser
beforeAll(async () => {
  documents = await startDocumentServer()
  person = await signIn(gateway)
})
afterAll(() => documents?.stop())

type Known = { client_id: string; client_secret?: string }

/** The client as it comes to know itself. */
async function makeKnown({ name, registers, publishes, added }: RealClient): Promise<Known> {
  const id = name.replace(/\W+/g, '-').toLowerCase()
  if (publishes) return { client_id: documents.serve(`/${id}.json`, publishes) }
  if (added) return addClient(gateway, id, added)
  const { status, body } = await api(gateway, 'POST', '/register', { body: registers })
  expect([status, body.error_description]).toEqual([201, undefined])
  OAuthClientInformationFullSchema.parse(body)
  // AppAuth wants both or none (RFC 7592 section 3).
  expect('registration_client_uri' in body).toBe('registration_access_token' in body)
  return body
}

/** The answer that arrives at the client after the person allowed it, from where the client reads it. */
async function answerOf(params: Record<string, string>): Promise<URLSearchParams> {
  const consent = await person.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  const { location } = consent.location
    ? consent
    : await person.browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
  expect(location?.split(/[?#]/)[0]).toBe(params.redirect_uri)
  const { hash, search } = new URL(location ?? '')
  return new URLSearchParams(params.response_mode === 'fragment' ? hash.slice(1) : search)
}

type Authentication = { fields: Record<string, string>; headers: Record<string, string> }

function authentication({ authenticates }: RealClient, { client_id, client_secret = '' }: Known): Authentication {
  const basic = (secret: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  })
  if (authenticates === 'basic') return { fields: {}, headers: basic(client_secret) }
  if (authenticates === 'basic without secret') return { fields: { client_id }, headers: basic('') }
  return { fields: { client_id, ...(authenticates === 'post' && { client_secret }) }, headers: {} }
}

test.each(REAL_CLIENTS)('$name gets a token, and a new one for its refresh token', async (client) => {
  const known = await makeKnown(client)
  const verifier = newVerifier()
  const { redirect, asks = {}, origin } = client
  const params = authorizeParams(verifier, { client_id: known.client_id, redirect_uri: redirect, ...asks })
  const answer = await answerOf(params)
  expect([answer.get('error_description'), answer.get('state'), answer.get('iss')]).toEqual([
    null,
    params.state,
    gateway.url,
  ])
  const { fields, headers } = authentication(client, known)
  const redeem = (grant: Record<string, string>) =>
    post(
      gateway,
      '/oauth/token',
      { ...grant, ...fields, ...(asks.resource && { resource: asks.resource }) },
      { ...headers, ...client.headers, ...(origin && { origin }) },
    )
  const code = { grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: redirect }
  const { status, body, headers: answered } = await redeem({ ...code, code_verifier: verifier })
  expect([status, body.error_description]).toEqual([200, undefined])
  OAuthTokensSchema.parse(body)
  expect(decodeJwt(body.access_token).aud).toBe(asks.resource ?? 'https://api.lanonasis.com')
  // A gateway in development also lets pages of this machine send cookies.
  expect(answered.get('access-control-allow-origin')).toBe(origin?.startsWith('http:') ? origin : '*')
  if (body.id_token) {
    const { nonce, ...claims } = decodeJwt(body.id_token)
    expect(nonce).toBe(asks.nonce)
    expect(Object.values(claims)).not.toContain(null)
  }
  if (!body.refresh_token) return
  const renewed = await redeem({ grant_type: 'refresh_token', refresh_token: body.refresh_token })
  expect([renewed.status, renewed.body.scope]).toEqual([200, body.scope])
})
