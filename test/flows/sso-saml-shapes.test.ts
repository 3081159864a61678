import { inflateRawSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { SamlSettings } from '../../shared/domain/connection.ts'
import { SAML_PRESETS } from '../../shared/sso/saml-attributes.ts'
import { connect } from '../support/connections.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { createSamlProvider } from '../support/saml-provider.ts'
import { type Changes, type Shape, shapedResponse } from '../support/saml-shapes.ts'
import { createBrowser, type TestBrowser } from '../support/sign-in.ts'

const BASE = 'https://idp.example'
const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const MICROSOFT = 'http://schemas.microsoft.com/identity/claims'
const FORMAT = 'urn:oasis:names:tc:SAML:'
const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:'
const gateway = useGateway()
const providers = new Map<string, ReturnType<typeof createSamlProvider>>()
afterAll(async () => {
  for (const provider of providers.values()) provider.remove()
})

async function connected(slug: string, settings: Partial<SamlSettings> = {}) {
  const known = providers.get(slug)
  if (known) return known
  const provider = createSamlProvider(BASE, gateway.url, slug)
  providers.set(slug, provider)
  const saml = { ...provider.settings, ...settings }
  await connect(gateway, { slug, name: slug, protocol: 'saml', saml, trust_email: true, logout: true })
  return provider
}

async function begin(browser: TestBrowser, slug: string) {
  const page = await browser.visit(`/v1/auth/oauth?provider=${slug}&redirect_uri=/account`)
  const url = new URL(page.location ?? page.url)
  const xml = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
  return { id: /ID="([^"]+)"/.exec(xml)?.[1] ?? '', relayState: url.searchParams.get('RelayState') ?? '', xml }
}

/** Signs in with a response of a shape; where that ended, and who it was. */
async function enter(slug: string, shape: Shape, changes: Partial<Changes> = {}, settings: Partial<SamlSettings> = {}) {
  const provider = await connected(slug, settings)
  const browser = createBrowser(gateway)
  const { id, relayState, xml } = await begin(browser, slug)
  const SAMLResponse = shapedResponse(provider, shape, { inResponseTo: id, ...changes })
  const body = new URLSearchParams({ SAMLResponse, RelayState: relayState })
  const page = await browser.visit(`/v1/auth/saml/${slug}/acs`, { method: 'POST', body })
  const error = new URL(page.url).searchParams.get('error')
  const me = error ? undefined : JSON.parse((await browser.visit('/v1/auth/me')).html)
  return { error, me, browser, xml, provider }
}

const person = () => ({ id: crypto.randomUUID(), email: newEmail('employee') })
const plain = (id: string, email: string): Shape => ({
  sign: 'assertion',
  nameId: { value: id, format: `${FORMAT}2.0:nameid-format:persistent` },
  attributes: { mail: [email], displayName: ['Ada Lovelace'] },
  sessionIndex: '_session',
})

type Vendor = [
  name: string,
  preset: string,
  format: string | undefined,
  shape: (one: ReturnType<typeof person>) => Shape,
]
const VENDORS: Vendor[] = [
  [
    'Entra',
    'entra',
    `${FORMAT}2.0:nameid-format:persistent`,
    ({ id, email }) => ({
      sign: 'assertion',
      nameId: { value: `pairwise of ${id}`, format: `${FORMAT}2.0:nameid-format:persistent` },
      attributes: {
        'http://schemas.microsoft.com/identity/claims/tenantid': ['7d6f'],
        [`${MICROSOFT}/objectidentifier`]: [id],
        [`${MICROSOFT}/displayname`]: ['Ada Lovelace'],
        [`${CLAIMS}/name`]: [`upn.${email}`],
        [`${CLAIMS}/emailaddress`]: [email],
      },
      sessionIndex: '_1f',
    }),
  ],
  [
    'Okta',
    'okta',
    `${FORMAT}1.1:nameid-format:unspecified`,
    ({ email }) => ({
      sign: 'both',
      nameId: { value: email, format: `${FORMAT}1.1:nameid-format:unspecified` },
      attributes: { firstName: ['Ada'], lastName: ['Lovelace'] },
      sessionIndex: 'id1709',
    }),
  ],
  [
    'Google',
    'google',
    `${FORMAT}1.1:nameid-format:emailAddress`,
    ({ email }) => ({
      sign: 'response',
      nameId: { value: email, format: `${FORMAT}1.1:nameid-format:emailAddress` },
      attributes: { firstName: ['Ada'], lastName: ['Lovelace'], mail: [''] },
      sessionIndex: '_5a',
    }),
  ],
  [
    'ADFS',
    'adfs',
    undefined,
    ({ id, email }) => ({
      sign: 'assertion',
      nameId: { value: id },
      attributes: { [`${CLAIMS}/emailaddress`.toUpperCase()]: [email], [`${CLAIMS}/name`]: ['Ada Lovelace'] },
      sessionIndex: '_9c',
    }),
  ],
  [
    'OneLogin',
    'onelogin',
    `${FORMAT}1.1:nameid-format:emailAddress`,
    ({ email }) => ({
      sign: 'response',
      nameId: { value: email, format: `${FORMAT}1.1:nameid-format:emailAddress` },
      attributes: { 'User.email': [email], 'User.FirstName': ['Ada'], 'User.LastName': ['Lovelace'], memberOf: [] },
      sessionIndex: '_1b',
    }),
  ],
  [
    'Keycloak',
    'keycloak',
    `${FORMAT}2.0:nameid-format:persistent`,
    ({ id, email }) => ({
      sign: 'response',
      nameId: { value: `G-${id}`, format: `${FORMAT}2.0:nameid-format:persistent` },
      attributes: {
        'urn:oid:1.2.840.113549.1.9.1': [email],
        'urn:oid:2.5.4.42': ['Ada'],
        'urn:oid:2.5.4.4': ['Lovelace'],
        Role: ['offline_access', 'uma_authorization'],
      },
      sessionIndex: `${id}::x`,
    }),
  ],
  [
    'Shibboleth',
    'shibboleth',
    undefined,
    ({ id, email }) => ({
      sign: 'response',
      nameId: {
        value: `AAdzZWNyZXQx${crypto.randomUUID()}`,
        format: `${FORMAT}2.0:nameid-format:transient`,
        nameQualifier: `${BASE}/metadata`,
        spNameQualifier: 'sp',
      },
      attributes: {
        'urn:oasis:names:tc:SAML:attribute:pairwise-id': [`${id}@idp.example`],
        'urn:oid:0.9.2342.19200300.100.1.3': ['', email],
        'urn:oid:2.16.840.1.113730.3.1.241': ['Ada Lovelace'],
      },
      sessionIndex: '_e3',
    }),
  ],
]

describe.each(VENDORS)('a provider such as %s', (name, preset, format, shape) => {
  const slug = name.toLowerCase()

  test('is asked for its kind of name, and signs its people in, the same ones ever after', async () => {
    const one = person()
    const first = await enter(slug, shape(one), {}, SAML_PRESETS[preset])
    expect(first.error).toBeNull()
    expect(/<samlp:NameIDPolicy[^>]*Format="([^"]*)"/.exec(first.xml)?.[1]).toBe(format)
    expect([first.me.email, first.me.name]).toEqual([one.email, 'Ada Lovelace'])
    const again = await enter(slug, shape(one))
    expect(again.me.id).toBe(first.me.id)
    expect((await enter(slug, shape(person()))).me.id).not.toBe(first.me.id)
  })
})

describe('a response', () => {
  test.each<[string, Partial<Changes>, Partial<Shape>]>([
    ['for another address', { destination: 'https://other.example/acs' }, {}],
    ['that is signed for no address', { destination: '' }, { sign: 'response' }],
    ['without a status', { status: '' }, {}],
    ['that failed', { status: `${STATUS}Responder` }, {}],
    ['from another provider', { responseIssuer: 'https://other.example' }, {}],
    ['that is signed and from nobody', { responseIssuer: '' }, { sign: 'response' }],
    ['of SAML 1.1', { version: '1.1' }, {}],
    ['with a document type', { before: '<!DOCTYPE Response [<!ENTITY a "b">]>' }, {}],
    ['from another time', { issuedAt: Date.now() - 3_600_000 }, {}],
    ['to another request', { inResponseTo: '_another' }, {}],
    ['with an assertion of SAML 1.1', { assertionVersion: '1.1' }, {}],
    ['with an assertion of another provider', { assertionIssuer: 'https://other.example' }, {}],
    ['with an assertion of no sign-in', { authn: '' }, {}],
    ['of a session that has ended', { sessionEnds: Date.now() - 3_600_000 }, {}],
    ['signed with RSA-SHA1', { signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }, {}],
    ['with a digest of SHA-1', { digest: 'http://www.w3.org/2000/09/xmldsig#sha1' }, {}],
    [
      'with a digest of SHA-1, signed as a whole',
      { digest: 'http://www.w3.org/2000/09/xmldsig#sha1' },
      { sign: 'response' },
    ],
  ])('%s is refused', async (_name, changes, shape) => {
    const { id, email } = person()
    expect((await enter('strict', { ...plain(id, email), ...shape }, changes)).error).toBe('provider_failed')
  })

  test.each<[string, Partial<Changes>]>([
    ['says who sent it, or does not', { responseIssuer: '' }],
    ['names no address when nobody signed it', { destination: '' }],
    ['comes from a clock that is two minutes behind', { issuedAt: Date.now() - 100_000 }],
    ['comes from a clock that is two minutes ahead', { issuedAt: Date.now() + 100_000 }],
  ])('that %s is taken', async (_name, changes) => {
    const { id, email } = person()
    expect((await enter('strict', plain(id, email), changes)).error).toBeNull()
  })

  test('that says the person refused is reported as that', async () => {
    const { id, email } = person()
    const changes = { status: `${STATUS}Responder`, statusMore: `<samlp:StatusCode Value="${STATUS}RequestDenied"/>` }
    expect((await enter('strict', plain(id, email), changes)).error).toBe('provider_denied')
  })

  test('from a clock ahead by more than the connection allows is refused', async () => {
    const { id, email } = person()
    const changes = { issuedAt: Date.now() + 60_000 }
    expect((await enter('exact', plain(id, email), changes, { clock_skew_seconds: 5 })).error).toBe('provider_failed')
  })

  test('with SHA-1 is accepted if the connection allows it', async () => {
    const { id, email } = person()
    const weak = {
      signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
      digest: 'http://www.w3.org/2000/09/xmldsig#sha1',
    }
    expect((await enter('weak', plain(id, email), weak, { allow_sha1: true })).error).toBeNull()
  })

  test('says when the session ends', async () => {
    const { id, email } = person()
    const { me } = await enter('strict', plain(id, email), { sessionEnds: Date.now() + 600_000 })
    const [row] =
      await gateway.sql`select expires_at < now() + interval '11 minutes' as soon from auth_gateway.sessions where uai = ${me.id}`
    expect(row?.soon).toBe(true)
  })
})

describe('single logout', () => {
  const names = { value: 'a lasting name', nameQualifier: 'the provider', spNameQualifier: 'us' }
  const qualified = (email: string): Shape => ({
    ...plain('', email),
    nameId: { ...names, format: `${FORMAT}2.0:nameid-format:persistent` },
  })

  test('names the person and the session as the provider did, and takes its answer', async () => {
    const { browser } = await enter('strict', qualified(newEmail()))
    const gone = await browser.submit(await browser.visit('/web/logout'), {}, '/web/logout')
    const request = inflateRawSync(
      Buffer.from(new URL(gone.location ?? '').searchParams.get('SAMLRequest') ?? '', 'base64'),
    ).toString()
    for (const part of [
      'NameQualifier="the provider"',
      'SPNameQualifier="us"',
      'nameid-format:persistent',
      '>a lasting name<',
      '>_session<',
    ])
      expect(request).toContain(part)
    const id = /ID="([^"]+)"/.exec(request)?.[1] ?? ''
    const answered = (changes: Record<string, string> = {}) => {
      const {
        status = 'Success',
        inResponseTo = id,
        issuer = `${BASE}/metadata`,
        destination = `${gateway.url}/v1/auth/saml/strict/slo`,
        version = '2.0',
        before = '',
      } = changes
      const xml = `${before}<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_l" Version="${version}" IssueInstant="${new Date().toISOString()}" Destination="${destination}" InResponseTo="${inResponseTo}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${STATUS}${status}"/></samlp:Status></samlp:LogoutResponse>`
      const body = new URLSearchParams({ SAMLResponse: Buffer.from(xml).toString('base64') })
      return browser.visit('/v1/auth/saml/strict/slo', { method: 'POST', body })
    }
    expect((await answered()).url).toBe(`${gateway.url}/web/login`)
    for (const wrong of [
      { status: 'Responder' },
      { inResponseTo: '_another' },
      { issuer: 'https://other.example' },
      { destination: 'https://other.example/slo' },
      { version: '1.1' },
      { before: '<!DOCTYPE a>' },
    ])
      expect((await answered(wrong as never)).url).toBe(`${gateway.url}/web/login?error=provider_logout_failed`)
  })
})
