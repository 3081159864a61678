import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../support/connections.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { createSamlProvider, type SamlAccount } from '../support/saml-provider.ts'
import { createBrowser, signIn, type TestBrowser } from '../support/sign-in.ts'

const BASE = 'https://idp.example'
const gateway = useGateway()
let provider: ReturnType<typeof createSamlProvider>
let stranger: ReturnType<typeof createSamlProvider>
let account: SamlAccount
beforeAll(async () => {
  provider = createSamlProvider(BASE, gateway.url, 'acme')
  stranger = createSamlProvider(BASE, gateway.url, 'acme')
  await connect(gateway, {
    slug: 'acme',
    name: 'Acme',
    protocol: 'saml',
    saml: provider.settings,
    trust_email: true,
    logout: true,
  })
})
afterAll(async () => {
  provider?.remove()
  stranger?.remove()
})
beforeEach(() => {
  account = { id: crypto.randomUUID(), email: newEmail('employee') }
})

type Begun = { requestId: string; relayState: string; xml: string }

async function begin(browser: TestBrowser, more = ''): Promise<Begun> {
  const page = await browser.visit(`/v1/auth/oauth?provider=acme&redirect_uri=/account${more}`)
  const url = new URL(page.location ?? page.url)
  expect(url.href).toContain(`${BASE}/sso`)
  const xml = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
  return { requestId: /ID="([^"]+)"/.exec(xml)?.[1] ?? '', relayState: url.searchParams.get('RelayState') ?? '', xml }
}
const deliver = (browser: TestBrowser, SAMLResponse: string, RelayState: string) =>
  browser.visit('/v1/auth/saml/acme/acs', { method: 'POST', body: new URLSearchParams({ SAMLResponse, RelayState }) })
const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '%7B%7D')).id
const signedIn = ({ cookies }: TestBrowser) => cookies.has('lanonasis_session')
const decode = (response: string) => Buffer.from(response, 'base64').toString()
const encode = (xml: string) => Buffer.from(xml).toString('base64')

async function enter(browser: TestBrowser) {
  const { requestId, relayState } = await begin(browser)
  return deliver(browser, await provider.answer(requestId, account), relayState)
}

async function expectRefused(make: (begun: Begun) => Promise<string>, error = 'provider_failed') {
  const browser = createBrowser(gateway)
  const begun = await begin(browser)
  const page = await deliver(browser, await make(begun), begun.relayState)
  expect(page.url).toContain(`error=${error}`)
  expect(signedIn(browser)).toBe(false)
}

describe('SAML 2.0 single sign-on', () => {
  test('signs in the person of a signed assertion, the same one ever after', async () => {
    const browser = createBrowser(gateway)
    const page = await enter(browser)
    expect(page.url).toContain('/account')
    const again = createBrowser(gateway)
    await enter(again)
    expect(uaiOf(again)).toBe(uaiOf(browser))
    expect((await signIn(gateway, account.email)).uai).toBe(uaiOf(browser))
    const session = (await eventsOf(gateway, 'session')).find(({ data }) => data.uai === uaiOf(browser))
    expect(session?.data).toMatchObject({ method: 'saml', amr: ['fed'] })
    const [, linked] = await eventsOf(gateway, 'identity', uaiOf(browser))
    expect(linked).toMatchObject({ data: { provider: 'acme', evidence: { method: 'saml', assertedBy: 'acme' } } })
  })

  test('publishes its metadata and asks for a persistent name', async () => {
    const response = await fetch(`${gateway.url}/v1/auth/saml/acme/metadata`)
    expect(response.headers.get('content-type')).toContain('application/samlmetadata+xml')
    const xml = await response.text()
    for (const part of [
      `entityID="${gateway.url}/v1/auth/saml/acme/metadata"`,
      `Location="${gateway.url}/v1/auth/saml/acme/acs"`,
      'WantAssertionsSigned="true"',
    ])
      expect(xml).toContain(part)
    const { xml: request } = await begin(createBrowser(gateway))
    expect(request).toContain('nameid-format:persistent')
  })

  test('refuses an assertion that was tampered with, or is not signed, or by another key', async () => {
    await expectRefused(async ({ requestId }) =>
      encode(decode(await provider.answer(requestId, account)).replace(account.id, 'victim')),
    )
    await expectRefused(async ({ requestId }) =>
      encode(
        decode(await provider.answer(requestId, account)).replace(/<(ds:)?Signature[\s\S]*?<\/(ds:)?Signature>/g, ''),
      ),
    )
    await expectRefused(({ requestId }) => stranger.answer(requestId, account))
    await expectRefused(async () => encode('<not-saml/>'))
    await expectRefused(async () => 'junk')
  })

  test('refuses a wrapped assertion: the signed one next to a forged one, in every place', async () => {
    const wraps: ((xml: string, signed: string, forged: string) => string)[] = [
      (xml, signed, forged) => xml.replace(signed, forged + signed),
      (xml, signed, forged) => xml.replace(signed, signed + forged),
      (xml, signed, forged) => xml.replace(signed, forged.replace('</saml:Assertion>', `${signed}</saml:Assertion>`)),
      (xml, signed, forged) =>
        xml.replace(
          signed,
          `<samlp:Extensions xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">${signed}</samlp:Extensions>${forged}`,
        ),
    ]
    for (const wrap of wraps)
      await expectRefused(async ({ requestId }) => {
        const xml = decode(await provider.answer(requestId, account))
        const signed = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? ''
        expect(signed).toContain('Signature')
        const forged = signed
          .replace(/<(ds:)?Signature[\s\S]*?<\/(ds:)?Signature>/g, '')
          .replace(account.id, 'victim')
          .replace(/ID="[^"]+"/, 'ID="_forged"')
        return encode(wrap(xml, signed, forged))
      })
  })

  test('takes no part of a name that a comment cuts in two for the whole', async () => {
    const browser = createBrowser(gateway)
    const { requestId, relayState } = await begin(browser)
    const xml = decode(await provider.answer(requestId, { ...account, id: 'victim.attacker' }))
    await deliver(browser, encode(xml.replace('victim.attacker', 'victim<!-- x -->.attacker')), relayState)
    for (const part of ['victim', '.attacker']) {
      const digest = gateway.gateway.personal.digest(`acme\n${part}`)
      expect(await gateway.sql`select 1 from auth_gateway.credentials where digest = ${digest}`).toHaveLength(0)
    }
  })

  test('refuses an assertion that names no request, or another address, in an unsigned response', async () => {
    const { requestId: stolen } = await begin(createBrowser(gateway))
    await expectRefused(async ({ requestId }) => {
      const unsolicited = decode(await provider.answer(stolen, account, { unsolicited: true }))
      expect(unsolicited.match(/InResponseTo=/g)).toHaveLength(1)
      return encode(unsolicited.replace(/InResponseTo="[^"]*"/, `InResponseTo="${requestId}"`))
    })
    await expectRefused(({ requestId }) =>
      provider.answer(requestId, account, { recipient: 'https://other.example/acs' }),
    )
  })

  test('refuses an answer to another request, to none, for another audience, too old, and a transient name', async () => {
    await expectRefused(() => provider.answer('_somebody-elses-request', account))
    await expectRefused(() => provider.answer('', account))
    await expectRefused(({ requestId }) =>
      provider.answer(requestId, account, { audience: 'https://other.example/metadata' }),
    )
    const old = new Date(Date.now() - 3_600_000)
    await expectRefused(({ requestId }) => provider.answer(requestId, account, { issuedAt: old }))
    const format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
    await expectRefused(({ requestId }) => provider.answer(requestId, account, { format }))
  })

  test('refuses a replay, also in the browser that it was for, and one in another browser', async () => {
    const browser = createBrowser(gateway)
    const { requestId, relayState } = await begin(browser)
    const cookies = new Map(browser.cookies)
    const response = await provider.answer(requestId, account)
    await deliver(browser, response, relayState)
    expect(signedIn(browser)).toBe(true)
    const thief = createBrowser(gateway)
    expect((await deliver(thief, response, relayState)).url).toContain('sso_state_invalid')
    for (const [name, value] of cookies) thief.cookies.set(name, value)
    expect((await deliver(thief, response, relayState)).url).toContain('sso_state_invalid')
    expect(signedIn(thief)).toBe(false)
  })

  test('by session fixation, an answer that the attacker’s provider session made: refused in the victim’s browser', async () => {
    const attacker = createBrowser(gateway)
    const { requestId } = await begin(attacker)
    const response = await provider.answer(requestId, account)
    const victim = createBrowser(gateway)
    const own = await begin(victim)
    expect((await deliver(victim, response, own.relayState)).url).toContain('provider_failed')
    expect(signedIn(victim)).toBe(false)
  })
})

describe('the request that finishes a sign-in', () => {
  /** What the gateway answers to the provider's post, before the browser follows it. */
  async function accepted(browser: TestBrowser): Promise<string> {
    const { requestId, relayState } = await begin(browser)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const body = new URLSearchParams({
      SAMLResponse: await provider.answer(requestId, account),
      RelayState: relayState,
    })
    const init = { method: 'POST', body, redirect: 'manual', headers: { cookie, 'x-real-ip': browser.ip } } as const
    const response = await fetch(`${gateway.url}/v1/auth/saml/acme/acs`, init)
    expect(response.status).toBe(303)
    return response.headers.get('location') ?? ''
  }

  test('counts once, of twenty at the same time', async () => {
    const browser = createBrowser(gateway)
    const finish = await accepted(browser)
    expect(finish).toMatch(/^\/v1\/auth\/saml\/acme\/acs\?state=[\w.-]+&answer=[\w-]+$/)
    const cookies = [...browser.cookies]
    const pages = await Promise.all(
      Array.from({ length: 20 }, () => {
        const copy = createBrowser(gateway)
        for (const [name, value] of cookies) copy.cookies.set(name, value)
        return copy.visit(finish).then(({ url }) => new URL(url).search || new URL(url).pathname)
      }),
    )
    expect(pages.filter((page) => page === '/account')).toHaveLength(1)
    expect(pages.filter((page) => page === '?error=sso_state_invalid')).toHaveLength(19)
  })

  test('is refused without the flow, of another flow, and with another answer', async () => {
    const browser = createBrowser(gateway)
    const finish = await accepted(browser)
    const stranger = createBrowser(gateway)
    expect((await stranger.visit(finish)).url).toContain('error=sso_state_invalid')
    await begin(stranger)
    expect((await stranger.visit(finish)).url).toContain('error=sso_state_invalid')
    expect((await browser.visit(`${finish.slice(0, -8)}AAAAAAAA`)).url).toContain('error=sso_state_invalid')
    expect((await browser.visit('/v1/auth/saml/acme/acs')).url).toContain('error=sso_state_invalid')
    expect(signedIn(stranger)).toBe(false)
    expect((await browser.visit(finish)).url).toContain('/account')
    expect(signedIn(browser)).toBe(true)
  })
})

describe('SAML single logout', () => {
  test('signing out here leads to the provider, with the name of the account', async () => {
    const browser = createBrowser(gateway)
    await enter(browser)
    const page = await browser.visit('/web/logout')
    expect(page.headers.get('content-security-policy')).toMatch(/form-action [^;]*https:/)
    const gone = await browser.submit(page, {}, '/web/logout')
    expect(gone.location).toContain(`${BASE}/slo?SAMLRequest=`)
    const request = new URL(gone.location ?? '').searchParams.get('SAMLRequest') ?? ''
    expect(inflateRawSync(Buffer.from(request, 'base64')).toString()).toContain(account.id)
    expect(signedIn(browser)).toBe(false)
  })

  test('signing out there, by a signed request, ends the sessions that began there and no others', async () => {
    const browser = createBrowser(gateway)
    await enter(browser)
    const other = await signIn(gateway, account.email)
    const url = new URL(provider.logoutUrl(account))
    const unsigned = new URLSearchParams({ SAMLRequest: url.searchParams.get('SAMLRequest') ?? '' })
    expect((await browser.visit(`/v1/auth/saml/acme/slo?${unsigned}`)).status).toBe(400)
    const forged = new URL(stranger.logoutUrl(account))
    if (forged.searchParams.has('Signature'))
      expect((await browser.visit(`/v1/auth/saml/acme/slo${forged.search}`)).status).toBe(400)
    expect((await browser.visit('/account')).url).toContain('/account')
    expect(url.searchParams.has('Signature')).toBe(true)
    const another = new URL(stranger.logoutUrl({ ...account, id: crypto.randomUUID() })).searchParams.get('SAMLRequest')
    const forgery = encodeURIComponent(another ?? '')
    const signed = url.search.slice(1)
    for (const polluted of [
      `${signed}&SAMLRequest=${forgery}`,
      `SAMLRequest=${forgery}&${signed}`,
      `${signed}&%53AMLRequest=${forgery}`,
      `${signed.replace(/SigAlg=[^&]*/, `SigAlg=${encodeURIComponent('http://www.w3.org/2000/09/xmldsig#rsa-sha1')}`)}`,
    ])
      expect((await browser.visit(`/v1/auth/saml/acme/slo?${polluted}`)).status).toBe(400)
    const answered = await browser.visit(`/v1/auth/saml/acme/slo${url.search}`)
    expect(answered.location).toContain('SAMLResponse=')
    expect((await browser.visit('/account')).url).toContain('/web/login')
    expect((await other.browser.visit('/account')).url).toContain('/account')
  })
})
