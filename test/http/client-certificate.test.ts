import { createHash, createHmac, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientCertificateOf } from '../../packages/auth-server/src/client-certificate.ts'
import { readClientCertificate } from '../../shared/http/client-certificate.ts'
import { openToAll } from '../../shared/http/route.ts'
import { type Authority, type Certificate, openWorkshop } from '../support/certificates.ts'
import { newProxySecret } from '../support/nginx.ts'

const SECRET = newProxySecret()
const NOW = new Date()
const DAY = 86_400_000

const workshop = openWorkshop()
let authority: Authority
let certificate: Certificate
beforeAll(() => {
  authority = workshop.authority('services')
  certificate = authority.issue('/O=LanOnasis/CN=api-gateway')
})
afterAll(() => workshop.remove())

type Signed = { method?: string; uri?: string; verify?: string; secret?: string; at?: Date; prefix?: string }

const derOf = ({ cert }: Certificate) => new X509Certificate(cert).raw

/** What the proxy sends, written here a second time from its description. */
function forwarded(der: Buffer, signed: Signed = {}) {
  const { method = 'POST', uri = '/oauth/token?a=b', verify = 'SUCCESS', secret = SECRET, at = NOW } = signed
  const time = Math.floor(at.getTime() / 1000)
  const hash = createHash('sha256').update(der).digest('base64url')
  const text = `${signed.prefix ?? 'client-cert-v1'}\n${time}\n${method}\n${uri}\n${verify}\n${hash}`
  const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(text).digest('base64')
  return {
    method: 'POST',
    uri: '/oauth/token?a=b',
    clientCert: `:${der.toString('base64')}:`,
    proof: `t=${time}, verify="${verify}", mac=:${mac}:`,
  }
}

const seconds = (count: number) => new Date(NOW.getTime() + count * 1000)

describe('a certificate that the proxy vouches for', () => {
  test('is read, with its thumbprint of RFC 8705', () => {
    const found = clientCertificateOf(forwarded(derOf(certificate)), SECRET, NOW)
    expect(found).toMatchObject({ thumbprint: certificate.thumbprint, chainVerified: true })
    expect(found?.x509.subject).toBe('O=LanOnasis\nCN=api-gateway')
    expect(found?.der.equals(derOf(certificate))).toBe(true)
  })

  test('says when its chain led nowhere', () => {
    const input = forwarded(derOf(certificate), { verify: 'FAILED:unable to verify the first certificate' })
    expect(clientCertificateOf(input, SECRET, NOW)).toMatchObject({ chainVerified: false })
  })

  test.each([-29, 29])('is believed %i seconds off', (offset) => {
    expect(clientCertificateOf(forwarded(derOf(certificate), { at: NOW }), SECRET, seconds(offset))).toBeDefined()
  })
})

describe('no certificate', () => {
  const read = (input: Parameters<typeof clientCertificateOf>[0], secret: string | undefined = SECRET, now = NOW) =>
    clientCertificateOf(input, secret, now)

  test('is present without a header, without a proof, or where no proxy is configured', () => {
    const good = forwarded(derOf(certificate))
    expect(read(good)).toBeDefined()
    expect(read({ ...good, clientCert: undefined })).toBeUndefined()
    expect(read({ ...good, proof: undefined })).toBeUndefined()
    expect(clientCertificateOf(good, undefined, NOW)).toBeUndefined()
    expect(clientCertificateOf(forwarded(derOf(certificate), { secret: '' }), '', NOW)).toBeUndefined()
  })

  test.each([-31, 31])('is there %i seconds later', (offset) => {
    expect(read(forwarded(derOf(certificate)), SECRET, seconds(offset))).toBeUndefined()
  })

  test.each<[string, Signed]>([
    ['another method', { method: 'GET' }],
    ['another path', { uri: '/oauth/introspect?a=b' }],
    ['another query', { uri: '/oauth/token?a=c' }],
    ['another secret', { secret: newProxySecret() }],
    ['another purpose', { prefix: 'client-cert-v0' }],
  ])('is there with a proof for %s', (_, signed) => {
    expect(read(forwarded(derOf(certificate), signed))).toBeUndefined()
  })

  test('is present with the proof of another certificate', () => {
    const other = authority.issue('/CN=other')
    expect(read({ ...forwarded(derOf(certificate)), clientCert: forwarded(derOf(other)).clientCert })).toBeUndefined()
  })

  test('is present when the chain status was changed in the proof', () => {
    const failed = forwarded(derOf(certificate), { verify: 'FAILED:self-signed certificate' })
    const changed = failed.proof.replace(/verify="[^"]*"/, 'verify="SUCCESS"')
    expect(changed).not.toBe(failed.proof)
    expect(read({ ...failed, proof: changed })).toBeUndefined()
  })

  test('is present when the certificate has expired or is not valid yet, whatever the proxy says', () => {
    const expired = authority.issue('/CN=expired', { from: new Date(NOW.getTime() - 2 * DAY), to: seconds(-60) })
    const early = authority.issue('/CN=early', { from: seconds(60) })
    expect(read(forwarded(derOf(expired)))).toBeUndefined()
    expect(read(forwarded(derOf(early)))).toBeUndefined()
    expect(read(forwarded(derOf(early), { at: seconds(61) }), SECRET, seconds(61))).toBeDefined()
  })

  test.each<[string, (good: { clientCert: string; proof: string }) => object]>([
    ['two certificates', ({ clientCert }) => ({ clientCert: `${clientCert}, ${clientCert}` })],
    ['PEM', () => ({ clientCert: encodeURIComponent(certificate.cert) })],
    ['a bare base64', ({ clientCert }) => ({ clientCert: clientCert.slice(1, -1) })],
    ['two proofs', ({ proof }) => ({ proof: `${proof}, ${proof}` })],
    ['a proof without MAC', ({ proof }) => ({ proof: proof.replace(/mac=.*/, 'mac=::') })],
    ['status NONE', ({ proof }) => ({ proof: proof.replace('SUCCESS', 'NONE') })],
  ])('is there with %s', (_, change) => {
    const good = forwarded(derOf(certificate))
    expect(read({ ...good, ...change(good) })).toBeUndefined()
  })

  test('is present when the proxy vouches for an invalid certificate, or one with trailing data', () => {
    expect(read(forwarded(Buffer.from('no certificate')))).toBeUndefined()
    expect(read(forwarded(Buffer.concat([derOf(certificate), Buffer.from([0])])))).toBeUndefined()
    expect(read(forwarded(Buffer.alloc(8000, 48)))).toBeUndefined()
  })
})

test('the certificate of a request is read by its own method, path and query', async () => {
  process.env.DATABASE_URL = 'postgres://app@localhost/gateway'
  process.env.LOG_LEVEL = 'silent'
  const { createApp } = await import('../../shared/http/app.ts')
  const app = createApp('api')
  app.route('ALL', '*', { authority: openToAll })((c) =>
    c.json({ thumbprint: readClientCertificate(c.req, SECRET)?.thumbprint ?? null }),
  )
  const ask = async (url: string) => {
    const { clientCert, proof } = forwarded(derOf(certificate), { uri: '/api/v1/oauth/token?a=%20b' })
    const headers = { 'client-cert': clientCert, 'client-cert-proof': proof }
    return (await app.request(url, { method: 'POST', headers })).json()
  }
  expect(await ask('https://mtls.example/api/v1/oauth/token?a=%20b')).toEqual({ thumbprint: certificate.thumbprint })
  expect(await ask('https://mtls.example/oauth/token?a=%20b')).toEqual({ thumbprint: null })
})
