import { createVerify, X509Certificate } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connections } from '../../scripts/connections.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { findConnection } from '../../shared/queries/connections.ts'
import { maintain } from '../../shared/queries/maintenance.ts'
import { newConnectionKey } from '../../shared/sso/saml-keys.ts'
import { call } from '../scripts/terminal.ts'
import { connect } from '../support/connections.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { createSamlProvider } from '../support/saml-provider.ts'
import { type Encryption, type Shape, shapedResponse, signedXml } from '../support/saml-shapes.ts'
import { createBrowser, type TestBrowser } from '../support/sign-in.ts'

const SLUG = 'sealed'
const BASE = 'https://idp.example'
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
const gateway = useGateway()
let provider: ReturnType<typeof createSamlProvider>
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  provider = createSamlProvider(BASE, gateway.url, SLUG)
  await connect(gateway, { slug: SLUG, protocol: 'saml', saml: provider.settings, trust_email: true, logout: true })
  env = { ...process.env, DATABASE_MIGRATION_URL: process.env.DATABASE_URL }
})
afterAll(async () => {
  provider?.remove()
})

async function metadata() {
  const xml = await (await fetch(`${gateway.url}/v1/auth/saml/${SLUG}/metadata`)).text()
  const certificates = (use: string) =>
    [...xml.matchAll(new RegExp(`use="${use}">.*?<ds:X509Certificate>([^<]+)`, 'g'))].map(
      ([, body]) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    )
  return { xml, signing: certificates('signing'), encryption: certificates('encryption') }
}

/** Whether a message in a query is signed by the key of a certificate (SAML Bindings section 3.4.4.1). */
function isSignedBy(url: string, certificate: string, name: 'SAMLRequest' | 'SAMLResponse' = 'SAMLRequest'): boolean {
  const query = new URL(url).search.slice(1).split('&')
  const raw = (part: string) => query.find((pair) => pair.startsWith(`${part}=`))
  const text = [raw(name), raw('RelayState'), raw('SigAlg')].filter(Boolean).join('&')
  const { searchParams } = new URL(url)
  expect(searchParams.get('SigAlg')).toBe(RSA_SHA256)
  return createVerify('sha256')
    .update(text)
    .verify(certificate, searchParams.get('Signature') ?? '', 'base64')
}

async function begin(browser: TestBrowser) {
  const { location = '' } = await browser.visit(`/v1/auth/oauth?provider=${SLUG}&redirect_uri=/account`)
  const url = new URL(location)
  const xml = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
  return { location, id: /ID="([^"]+)"/.exec(xml)?.[1] ?? '', relayState: url.searchParams.get('RelayState') ?? '' }
}

async function enter(shape: Partial<Shape>, spoil = (base64: string) => base64) {
  const email = newEmail('employee')
  const browser = createBrowser(gateway)
  const { id, relayState, location } = await begin(browser)
  const whole: Shape = {
    sign: 'assertion',
    nameId: { value: email, format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' },
    attributes: { mail: [email], displayName: ['Ada Lovelace'] },
    sessionIndex: '_session',
    ...shape,
  }
  const SAMLResponse = spoil(shapedResponse(provider, whole, { inResponseTo: id }))
  const body = new URLSearchParams({ SAMLResponse, RelayState: relayState })
  const page = await browser.visit(`/v1/auth/saml/${SLUG}/acs`, { method: 'POST', body })
  const error = new URL(page.url).searchParams.get('error')
  const me = error ? undefined : JSON.parse((await browser.visit('/v1/auth/me')).html)
  return { error, ours: me?.email === email, browser, location }
}

const ours = async (): Promise<string> => (await metadata()).encryption[0] ?? ''

describe('the metadata', () => {
  test('has our key for signing and encryption, and the bindings of single logout that work', async () => {
    const { xml, signing, encryption } = await metadata()
    expect([signing.length, encryption]).toEqual([1, signing])
    expect(xml).toContain('AuthnRequestsSigned="true" WantAssertionsSigned="true"')
    const slo = `${gateway.url}/v1/auth/saml/${SLUG}/slo`
    const bindings = [...xml.matchAll(/SingleLogoutService Binding="[^"]+:([^":]+)" Location="([^"]+)"/g)]
    expect(bindings.map(([, binding, at]) => [binding, at])).toEqual([
      ['HTTP-Redirect', slo],
      ['HTTP-POST', slo],
    ])
  })

  test('has a certificate that other programs read, for the key it names, for ten years', async () => {
    const { certificate } = await newConnectionKey(gateway.gateway, 'a key')
    const read = new X509Certificate(certificate)
    expect([read.subject, read.issuer]).toEqual(['CN=127.0.0.1', 'CN=127.0.0.1'])
    expect(read.verify(read.publicKey)).toBe(true)
    expect(read.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(read.validToDate.getUTCFullYear() - read.validFromDate.getUTCFullYear()).toBe(10)
  })
})

const VENDORS: [name: string, sign: Shape['sign'], encryption: Omit<Encryption, 'certificate'>][] = [
  ['Entra', 'assertion', { block: 'aes256-cbc', transport: 'rsa-oaep-mgf1p' }],
  ['Okta', 'both', { block: 'aes256-cbc', transport: 'rsa-oaep-mgf1p' }],
  ['ADFS', 'assertion', { block: 'aes256-cbc', transport: 'rsa-oaep-mgf1p' }],
  ['OneLogin', 'response', { block: 'aes128-cbc', transport: 'rsa-oaep-mgf1p' }],
  ['Keycloak', 'response', { block: 'aes256-gcm', transport: 'rsa-oaep' }],
  ['Keycloak, signing both', 'both', { block: 'aes256-gcm', transport: 'rsa-oaep' }],
  ['Shibboleth', 'response', { block: 'aes128-gcm', transport: 'rsa-oaep-mgf1p', keyBeside: true }],
]

describe('an encrypted assertion', () => {
  test.each(VENDORS)('as %s sends it signs its person in', async (_name, sign, encryption) => {
    const { error, ours: isOurs } = await enter({ sign, encrypt: { ...encryption, certificate: await ours() } })
    expect([error, isOurs]).toEqual([null, true])
  })

  test.each<[string, Omit<Encryption, 'certificate'>]>([
    ['with PKCS #1 1.5', { block: 'aes256-cbc', transport: 'rsa-1_5' }],
    ['with triple DES', { block: 'tripledes-cbc', transport: 'rsa-oaep-mgf1p' }],
  ])('%s is refused', async (_name, encryption) => {
    expect((await enter({ encrypt: { ...encryption, certificate: await ours() } })).error).toBe('provider_failed')
  })

  test('for another key is refused', async () => {
    const encrypt: Encryption = { block: 'aes256-gcm', transport: 'rsa-oaep', certificate: provider.cert }
    expect((await enter({ encrypt })).error).toBe('provider_failed')
  })

  test.each(['response', 'assertion'] as const)('that was changed is refused (signed: the %s)', async (sign) => {
    const encrypt: Encryption = { block: 'aes256-cbc', transport: 'rsa-oaep-mgf1p', certificate: await ours() }
    const spoil = (base64: string) => {
      const xml = Buffer.from(base64, 'base64').toString()
      const start = xml.lastIndexOf('<xenc:CipherValue>') + 18 + 200
      const swapped = xml[start] === 'A' ? 'B' : 'A'
      return Buffer.from(`${xml.slice(0, start)}${swapped}${xml.slice(start + 1)}`).toString('base64')
    }
    expect((await enter({ sign, encrypt }, spoil)).error).toBe('provider_failed')
  })

  test.each(['response', 'assertion'] as const)(
    'that nobody signed is refused (without that of the %s)',
    async (sign) => {
      const encrypt: Encryption = { block: 'aes256-gcm', transport: 'rsa-oaep', certificate: await ours() }
      const other = createSamlProvider('https://other.example', gateway.url, SLUG)
      const { key } = provider
      provider.key = other.key
      const { error } = await enter({ sign, encrypt }).finally(() => {
        provider.key = key
        other.remove()
      })
      expect(error).toBe('provider_failed')
    },
  )
})

describe('what we send', () => {
  test('is signed: requests to sign in and out, and answers to those of the provider', async () => {
    const [certificate = ''] = (await metadata()).signing
    const { browser, location } = await enter({})
    expect(isSignedBy(location, certificate)).toBe(true)
    const gone = await browser.submit(await browser.visit('/web/logout'), {}, '/web/logout')
    expect(isSignedBy(gone.location ?? '', certificate)).toBe(true)
    const account = { id: newEmail(), email: newEmail() }
    const asked = new URL(provider.logoutUrl(account))
    const answered = await fetch(`${gateway.url}/v1/auth/saml/${SLUG}/slo${asked.search}`, { redirect: 'manual' })
    expect(isSignedBy(answered.headers.get('location') ?? '', certificate, 'SAMLResponse')).toBe(true)
  })
})

test('keys are replaced without a gap, and a retired one decrypts nothing and is destroyed', async () => {
  const row = async () => {
    const found = await findConnection(gateway.gateway.reads, SLUG)
    return found?.keys ?? []
  }
  const command = async (...args: string[]) => {
    const { exitCode, err } = await call(connections, env, ...args)
    return [exitCode, err]
  }
  const [old] = await row()
  expect(await command('add-key', SLUG)).toEqual([0, ''])
  const next = (await row())[1]
  expect((await row()).map(({ status }) => status)).toEqual(['active', 'next'])
  const between = await metadata()
  expect([between.signing.length, between.encryption.length]).toEqual([2, 1])
  expect(isSignedBy((await begin(createBrowser(gateway))).location, old?.certificate ?? '')).toBe(true)

  expect((await command('retire-key', SLUG, '--key', old?.id ?? ''))[0]).toBe(1)
  expect((await command('activate-key', SLUG, '--key', crypto.randomUUID()))[0]).toBe(1)
  expect(await command('activate-key', SLUG, '--key', next?.id ?? '')).toEqual([0, ''])
  expect(isSignedBy((await begin(createBrowser(gateway))).location, next?.certificate ?? '')).toBe(true)
  const forOld: Encryption = { block: 'aes256-gcm', transport: 'rsa-oaep', certificate: old?.certificate ?? '' }
  expect((await enter({ encrypt: forOld })).error).toBeNull()

  expect(await command('retire-key', SLUG, '--key', old?.id ?? '')).toEqual([0, ''])
  expect((await metadata()).signing.length).toBe(1)
  expect((await enter({ encrypt: forOld })).error).toBe('provider_failed')
  expect((await enter({ encrypt: { ...forOld, certificate: await ours() } })).error).toBeNull()
  expect(await maintain(gateway.gateway.reads)).toMatchObject({ retiredConnectionKeys: 1 })
  expect((await verifyEvents(gateway.sql)).faults).toEqual([])
  const types = await gateway.sql`
    select event_type from auth_gateway.event_store where stream_type = 'connection' and event_type like 'ConnectionKey%' order by position`
  expect(types.map(({ event_type }) => event_type)).toEqual([
    'ConnectionKeyAdded',
    'ConnectionKeyActivated',
    'ConnectionKeyAdded',
    'ConnectionKeyActivated',
    'ConnectionKeyRetired',
  ])
})

describe('the answer to a sign-out of ours', () => {
  test.each([
    ['with a good signature', (text: string) => text, '/web/login'],
    ['with a signature that is not of what it says', (text: string) => text.replace('Success', 'Responder'), null],
    ['with the signature of another party', null, null],
  ])('%s', async (_name, spoil, expected) => {
    const { browser } = await enter({})
    const gone = await browser.submit(await browser.visit('/web/logout'), {}, '/web/logout')
    const request = inflateRawSync(
      Buffer.from(new URL(gone.location ?? '').searchParams.get('SAMLRequest') ?? '', 'base64'),
    ).toString()
    const id = /ID="([^"]+)"/.exec(request)?.[1] ?? ''
    const other = spoil ? undefined : createSamlProvider('https://other.example', gateway.url, SLUG)
    const xml = signedAnswer(id, other?.key ?? provider.key)
    other?.remove()
    const SAMLResponse = Buffer.from((spoil ?? ((text: string) => text))(xml)).toString('base64')
    const body = new URLSearchParams({ SAMLResponse })
    const page = await browser.visit(`/v1/auth/saml/${SLUG}/slo`, { method: 'POST', body })
    expect(page.url).toBe(`${gateway.url}${expected ?? '/web/login?error=provider_logout_failed'}`)
  })
})

function signedAnswer(inResponseTo: string, key: string): string {
  const xml = `<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_l${crypto.randomUUID()}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${gateway.url}/v1/auth/saml/${SLUG}/slo" InResponseTo="${inResponseTo}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${BASE}/metadata</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>`
  return signedXml(xml, 'LogoutResponse', key, {})
}
