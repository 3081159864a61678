import { randomBytes, X509Certificate } from 'node:crypto'
import { decodeJwt, exportJWK, importX509 } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientMetadata, PublicJwk } from '../../shared/domain/api-client.ts'
import { serverMetadata } from '../../shared/oauth/metadata.ts'
import { type Authority, type Certificate, openWorkshop } from '../support/certificates.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { assertion, newSigningKey, type SigningKey } from '../support/proofs.ts'
import { proxied } from '../support/proxied.ts'
import { post } from '../support/sign-in.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const DAY = 86_400_000
const PROXY_SECRET = randomBytes(32).toString('base64')
const workshop = openWorkshop()
const gateway = useGateway({
  env: { MTLS_BASE_URL: 'https://mtls.auth.example', MTLS_PROXY_SECRET: PROXY_SECRET },
})
let key: SigningKey
let authority: Authority

const SERVICE: Partial<ClientMetadata> = {
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope: 'memories:read',
}
const add = (clientId: string, metadata: Partial<ClientMetadata>, firstParty = false) =>
  addClient(gateway, clientId, { ...SERVICE, ...metadata }, firstParty)
const published = ({ jwk }: SigningKey) => ({ keys: [jwk as PublicJwk] })

beforeAll(async () => {
  key = await newSigningKey()
  authority = workshop.authority('services')
  await add('by-assertion', { token_endpoint_auth_method: 'private_key_jwt', jwks: published(key) }, true)
  await add('by-post', { token_endpoint_auth_method: 'client_secret_post' })
})
afterAll(() => workshop.remove())

const grant = { grant_type: 'client_credentials' }
const token = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  post(gateway, '/oauth/token', { ...grant, ...form }, headers)
const asserted = async () => ({
  client_assertion_type: JWT_BEARER,
  client_assertion: await assertion(key, { clientId: 'by-assertion', aud: gateway.url }),
})
const SECRET = { client_secret: 'a secret: +%' }
const refused = (error: string, status = 400) => ({ status, body: { error } })
const INVALID_CLIENT = refused('invalid_client', 401)

type Verify = Parameters<typeof proxied>[1]['verify']
const certified = (certificate: Certificate, form: Record<string, string>, verify?: Verify, uri = '/oauth/token') =>
  post(gateway, uri, { ...grant, ...form }, proxied(PROXY_SECRET, { uri, cert: certificate.cert, verify }))

describe('L1 tls_client_auth', () => {
  const names: [string, Partial<ClientMetadata>, string, string[]][] = [
    ['subject', { tls_client_auth_subject_dn: 'CN=svc, O=LanOnasis, C=DE' }, '/C=DE/O=LanOnasis/CN=svc', []],
    ['subject in its order', { tls_client_auth_subject_dn: 'C=DE,O=LanOnasis,CN=svc' }, '/C=DE/O=LanOnasis/CN=svc', []],
    ['DNS name', { tls_client_auth_san_dns: 'svc.Internal' }, '/CN=x', ['DNS:other.internal', 'DNS:SVC.internal']],
    ['URI', { tls_client_auth_san_uri: 'spiffe://lan/svc' }, '/CN=x', ['DNS:a', 'URI:spiffe://lan/svc']],
    ['IPv4', { tls_client_auth_san_ip: '192.0.2.7' }, '/CN=x', ['IP:192.0.2.7']],
    ['IPv6', { tls_client_auth_san_ip: '2001:db8::7' }, '/CN=x', ['IP:2001:0db8:0:0:0:0:0:7']],
    ['e-mail', { tls_client_auth_san_email: 'svc@Lan.example' }, '/CN=x', ['email:svc@lan.example']],
  ]
  test.each(names)('200 by %s, 401 by another', async (kind, metadata, subject, alternative) => {
    const client_id = `tls ${kind}`
    await add(client_id, { token_endpoint_auth_method: 'tls_client_auth', ...metadata })
    const own = authority.issue(subject, { names: alternative })
    expect((await certified(own, { client_id })).status).toBe(200)
    const another = authority.issue('/C=DE/O=LanOnasis/CN=svc2', { names: ['DNS:svc.internal.evil.example'] })
    expect(await certified(another, { client_id })).toMatchObject(INVALID_CLIENT)
  })

  test('401 when the chain does not hold, whatever the name', async () => {
    const own = workshop.selfSigned('/C=DE/O=LanOnasis/CN=svc')
    const answer = await certified(own, { client_id: 'tls subject' }, 'FAILED:self-signed certificate')
    expect(answer).toMatchObject(INVALID_CLIENT)
  })

  test('401 without a certificate, with one of an unproven proxy, or by another mechanism', async () => {
    const { cert } = authority.issue('/C=DE/O=LanOnasis/CN=svc')
    const client_id = 'tls subject'
    expect(await token({ client_id })).toMatchObject(INVALID_CLIENT)
    const forged = proxied(randomBytes(32).toString('base64'), { uri: '/oauth/token', cert })
    expect(await token({ client_id }, forged)).toMatchObject(INVALID_CLIENT)
    const good = proxied(PROXY_SECRET, { uri: '/oauth/token', cert })
    expect(await token({ client_id, ...SECRET }, good)).toMatchObject(INVALID_CLIENT)
    expect((await token({}, good)).status).toBe(400)
  })

  test('401 with a certificate that has expired or is not valid yet', async () => {
    const subject = '/C=DE/O=LanOnasis/CN=svc'
    const [yesterday, tomorrow, later] = [-1, 1, 5].map((days) => new Date(Date.now() + days * DAY))
    const past = authority.issue(subject, { from: new Date(Date.now() - 5 * DAY), to: yesterday })
    const future = authority.issue(subject, { from: tomorrow, to: later })
    for (const one of [past, future])
      expect(await certified(one, { client_id: 'tls subject' })).toMatchObject(INVALID_CLIENT)
  })

  test('401 with no name or two names registered', async () => {
    const method = { token_endpoint_auth_method: 'tls_client_auth' as const }
    await add('nameless', method)
    await add('two-names', { ...method, tls_client_auth_san_dns: 'a', tls_client_auth_subject_dn: 'CN=a' })
    const own = authority.issue('/CN=a', { names: ['DNS:a'] })
    for (const client_id of ['nameless', 'two-names'])
      expect(await certified(own, { client_id })).toMatchObject(INVALID_CLIENT)
  })

  test('a certificate with another method is no second mechanism and proves nothing', async () => {
    const own = authority.issue('/CN=somebody')
    expect((await certified(own, { client_id: 'by-post', ...SECRET })).status).toBe(200)
    expect(await certified(own, { client_id: 'by-post' })).toMatchObject(INVALID_CLIENT)
    expect((await certified(own, await asserted())).status).toBe(200)
  })

  test('200 at introspection and revocation', async () => {
    const own = authority.issue('/C=DE/O=LanOnasis/CN=svc')
    const form = { client_id: 'tls subject' }
    const { access_token } = (await certified(own, form)).body
    const look = () => certified(own, { ...form, token: access_token }, 'SUCCESS', '/oauth/introspect')
    expect((await look()).body).toMatchObject({ active: true })
    const revoked = await certified(own, { ...form, token: access_token }, 'SUCCESS', '/oauth/revoke')
    expect(revoked.body).toEqual({ revoked: true })
    expect((await look()).body).toEqual({ active: false })
  })
})

describe('L1 self_signed_tls_client_auth', () => {
  const method = { token_endpoint_auth_method: 'self_signed_tls_client_auth' as const }
  const UNVERIFIED = 'FAILED:self-signed certificate'

  test('200 with a registered key or certificate, 401 with another of the same name', async () => {
    const own = workshop.selfSigned('/CN=svc')
    const jwk = await exportJWK(await importX509(own.cert, 'ES256', { extractable: true }))
    const x5c = [new X509Certificate(own.cert).raw.toString('base64')]
    const other = await newSigningKey()
    await add('own-key', { ...method, jwks: { keys: [jwk as PublicJwk] } })
    await add('own-certificate', {
      ...method,
      jwks: { keys: [...published(other).keys, { ...jwk, x5c } as PublicJwk] },
    })
    const impostor = workshop.selfSigned('/CN=svc')
    for (const client_id of ['own-key', 'own-certificate']) {
      expect((await certified(own, { client_id }, UNVERIFIED)).status).toBe(200)
      expect(await certified(impostor, { client_id }, UNVERIFIED)).toMatchObject(INVALID_CLIENT)
      expect(await token({ client_id })).toMatchObject(INVALID_CLIENT)
    }
  })

  test('401 with a certificate of our authority for a key that is not registered', async () => {
    expect(await certified(authority.issue('/CN=svc'), { client_id: 'own-key' })).toMatchObject(INVALID_CLIENT)
  })
})

describe('L2 certificate-bound tokens', () => {
  const bound = { tls_client_certificate_bound_access_tokens: true }
  beforeAll(async () => {
    const subject = { tls_client_auth_subject_dn: 'CN=bound' }
    await add('bound', { token_endpoint_auth_method: 'tls_client_auth', ...subject, ...bound })
    await add('bound-post', { token_endpoint_auth_method: 'client_secret_post', ...bound })
  })

  test('carry the thumbprint, which introspection returns', async () => {
    const own = authority.issue('/CN=bound')
    const { body } = await certified(own, { client_id: 'bound' })
    expect(body.token_type).toBe('Bearer')
    expect(decodeJwt(body.access_token).cnf).toEqual({ 'x5t#S256': own.thumbprint })
    const look = (extra: Record<string, string> = {}) =>
      asserted().then((proof) => post(gateway, '/oauth/introspect', { token: body.access_token, ...proof, ...extra }))
    expect((await look()).body).toMatchObject({ active: true, cnf: { 'x5t#S256': own.thumbprint } })
    expect((await look({ client_certificate_thumbprint: own.thumbprint })).body.active).toBe(true)
    const other = authority.issue('/CN=bound')
    expect((await look({ client_certificate_thumbprint: other.thumbprint })).body).toEqual({ active: false })
  })

  test('of a client with another authentication method are bound too; without a certificate it gets none', async () => {
    const own = authority.issue('/CN=whoever')
    const form = { client_id: 'bound-post', ...SECRET }
    expect(decodeJwt((await certified(own, form)).body.access_token).cnf).toEqual({ 'x5t#S256': own.thumbprint })
    expect(await token(form)).toMatchObject(refused('invalid_request'))
  })

  test('pass with their certificate only', async () => {
    const [own, other] = [authority.issue('/CN=bound'), authority.issue('/CN=bound')]
    const { access_token } = (await certified(own, { client_id: 'bound' })).body
    const verify = (headers: Record<string, string>) =>
      post(gateway, '/v1/auth/verify', {}, { authorization: `Bearer ${access_token}`, ...headers })
    const over = ({ cert }: Certificate) => proxied(PROXY_SECRET, { uri: '/v1/auth/verify', cert })
    expect((await verify(over(own))).status).toBe(200)
    expect((await verify(over(other))).status).toBe(401)
    expect((await verify({})).status).toBe(401)
  })
})

test('F4 the metadata say which ways there are, and where certificates are asked for', async () => {
  const metadata = await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)).json()
  const certificates = ['tls_client_auth', 'self_signed_tls_client_auth']
  for (const endpoint of ['token', 'revocation', 'introspection']) {
    const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none', ...certificates]
    expect(metadata[`${endpoint}_endpoint_auth_methods_supported`]).toEqual(methods)
    expect(metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toContain('ES256')
    expect(metadata.mtls_endpoint_aliases[`${endpoint}_endpoint`]).toMatch(/^https:\/\/mtls\.auth\.example\/oauth\//)
  }
  expect(metadata.tls_client_certificate_bound_access_tokens).toBe(true)
  const config = { ...gateway.gateway.config, MTLS_BASE_URL: undefined }
  const without = serverMetadata({ issuer: gateway.url, config })
  expect(JSON.stringify(without)).not.toMatch(/tls/)
})

test('A44 certificate headers from outside are ignored', async () => {
  const { cert } = authority.issue('/C=DE/O=LanOnasis/CN=svc')
  const der = new X509Certificate(cert).raw.toString('base64')
  const forged: Record<string, string>[] = [
    { 'client-cert': `:${der}:` },
    { 'client-cert': `:${der}:`, 'x-ssl-client-verify': 'SUCCESS', 'x-client-cert': cert.replaceAll('\n', '') },
    { ...proxied(PROXY_SECRET, { uri: '/oauth/introspect', cert }) },
  ]
  for (const headers of forged) expect(await token({ client_id: 'tls subject' }, headers)).toMatchObject(INVALID_CLIENT)
})
