import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../support/connections.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { startUpstream, UPSTREAM_CLIENT, type Upstream } from '../support/oidc-upstream.ts'
import { enrolTotp } from '../support/operators.ts'
import { openLimits, organizationOf } from '../support/rows.ts'
import { createBrowser, type Page, passSignIn, postJson, signIn, type TestBrowser } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

const gateway = useGateway()
let upstream: Upstream
beforeAll(async () => {
  upstream = await startUpstream(
    ['acme', 'strict', 'closed', 'member'].map((slug) => `${gateway.url}/v1/auth/oauth/callback/${slug}`),
  )
  const { client_id, client_secret } = UPSTREAM_CLIENT
  const settings = { issuer: upstream.issuer, client_id, scope: 'openid email profile' }
  await connect(
    gateway,
    { slug: 'acme', name: 'Acme', ...settings, trust_email: true, domains: ['acme.example'] },
    client_secret,
  )
  await connect(gateway, { slug: 'strict', name: 'Strict', ...settings }, client_secret)
  await connect(
    gateway,
    { slug: 'closed', name: 'Closed', ...settings, provision: false, listed: false },
    client_secret,
  )
})
afterAll(() => upstream?.stop())
beforeEach(() => {
  upstream.account = {
    sub: crypto.randomUUID(),
    email: newEmail('upstream'),
    email_verified: true,
    name: 'Ada Upstream',
  }
})

const begin = (browser: TestBrowser, slug = 'acme', more = '') =>
  browser.visit(`/v1/auth/oauth?provider=${slug}&redirect_uri=/account/api-keys${more}`)

/** Follows "Connect …" on the person's account page. */
async function beginLink(browser: TestBrowser, slug: string): Promise<Page> {
  const { html } = await browser.visit('/account')
  const href = new RegExp(`href="([^"]*provider=${slug}&amp;purpose=link[^"]*)"`).exec(html)?.[1]
  return browser.visit((href ?? '').replaceAll('&amp;', '&'))
}
const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '%7B%7D')).id

async function enter(browser: TestBrowser, slug = 'acme'): Promise<Page> {
  return browser.visit(await upstream.signIn(browser, await begin(browser, slug)))
}

describe('a person of another provider', () => {
  test('is created at the first sign-in, is the same later, and every step is recorded', async () => {
    const browser = createBrowser(gateway)
    const page = await enter(browser)
    expect(page.url).toContain('/account/api-keys')
    const uai = uaiOf(browser)
    const again = createBrowser(gateway)
    await enter(again)
    expect(uaiOf(again)).toBe(uai)
    const identity = await eventsOf(gateway, 'identity', uai)
    expect(identity.map(({ event_type, data }) => [event_type, data.kind, data.provider, data.evidence])).toEqual([
      ['IdentityCreated', undefined, undefined, undefined],
      ['CredentialLinked', 'external', 'acme', { method: 'oidc', assertedBy: 'acme' }],
      ['CredentialLinked', 'email', undefined, { method: 'sso', assertedBy: 'acme' }],
    ])
    const [session] = (await eventsOf(gateway, 'session')).slice(-1)
    expect(session?.data).toMatchObject({ method: 'oidc', amr: ['fed'], acr: 'urn:lanonasis:acr:federated' })
    const log = JSON.stringify(await gateway.sql`select * from auth_gateway.event_store where subject = ${uai}`)
    for (const word of [upstream.account.sub, upstream.account.email, 'Ada Upstream']) expect(log).not.toContain(word)
  })

  test.each([
    ['the order in which they began', [0, 1]],
    ['the other order', [1, 0]],
  ])('finishes two sign-ins in two tabs, in %s, each where it was going', async (_order, order) => {
    const browser = createBrowser(gateway)
    const goals = ['/account/api-keys', '/account/agents']
    const answers = []
    for (const goal of goals) {
      const away = await browser.tab().visit(`/v1/auth/oauth?provider=acme&redirect_uri=${goal}`)
      answers.push(await upstream.signIn(browser, away))
    }
    for (const index of order) {
      const page = await browser.tab().visit(answers[index] ?? '')
      expect(new URL(page.url).pathname).toBe(goals[index])
    }
  })

  test('begins as often as they like: the browser keeps eight flows, in little room', async () => {
    const browser = createBrowser(gateway)
    const pages = []
    for (let n = 0; n < 10; n++) pages.push(await begin(browser))
    expect([...browser.cookies.keys()].filter((name) => name.startsWith('lanonasis_sso_'))).toHaveLength(8)
    expect((browser.cookies.header(gateway.url, { method: 'GET', topLevel: true }) ?? '').length).toBeLessThan(1024)
    const page = await browser.visit(await upstream.signIn(browser, pages.at(-1) as Page))
    expect(page.url).toContain('/account/api-keys')
  })

  test('is the same by a code to the address that a trusted provider vouched for', async () => {
    upstream.account.email = `${crypto.randomUUID()}@acme.example`
    const browser = createBrowser(gateway)
    await enter(browser)
    const { email = '' } = upstream.account
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const { body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) })
    expect(body.user.id).toBe(uaiOf(browser))
  })

  test('is sent there by the domain of the address', async () => {
    const browser = createBrowser(gateway)
    const page = await browser.submit(await browser.visit('/web/login'), { email: 'Grace@Acme.Example' }, '/web/login')
    expect(page.location).toContain(upstream.issuer)
    expect(new URL(page.location ?? '').searchParams.get('login_hint')).toBe('Grace@acme.example')
  })

  test('belongs to the organization of the connection, when made by it', async () => {
    const ada = await signIn(gateway)
    const home = await organizationOf(gateway, ada.uai)
    const { client_id, client_secret } = UPSTREAM_CLIENT
    const settings = { slug: 'member', issuer: upstream.issuer, client_id, organization_id: home }
    await connect(gateway, settings, client_secret)
    const browser = createBrowser(gateway)
    await enter(browser, 'member')
    const me = JSON.parse((await browser.visit('/v1/auth/me')).html)
    expect(me).toMatchObject({ organization_id: home, role: 'user' })
  })

  test('is refused where unknown people are not admitted', async () => {
    const page = await enter(createBrowser(gateway), 'closed')
    expect(page.url).toContain('error=not_provisioned')
    expect(page.html).toContain('There is no account for you here yet')
  })

  test('continues after the provider has changed its keys', async () => {
    await enter(createBrowser(gateway))
    await upstream.rotateKeys()
    const page = await withClockAhead(1100, () => enter(createBrowser(gateway)))
    expect(page.url).toContain('/account/api-keys')
  })

  test('is linked to the person at this browser, and then signs in as them', async () => {
    const ada = await signIn(gateway)
    const page = await beginLink(ada.browser, 'strict')
    const done = await ada.browser.visit(await upstream.signIn(ada.browser, page))
    expect(done.url).toContain('done=linked')
    const elsewhere = createBrowser(gateway)
    await enter(elsewhere, 'strict')
    expect(uaiOf(elsewhere)).toBe(ada.uai)
    const [, , linked] = await eventsOf(gateway, 'identity', ada.uai)
    expect(linked).toMatchObject({
      event_type: 'CredentialLinked',
      data: { provider: 'strict', evidence: { method: 'oidc', assertedBy: 'strict', sessionId: expect.any(String) } },
    })
  })

  test('proves an address that is already registered, and then both are one person', async () => {
    const ada = await signIn(gateway)
    upstream.account.email = ada.email
    const browser = createBrowser(gateway)
    const asked = await enter(browser)
    expect(asked.url).toContain('error=link_needed')
    expect(asked.html).toContain('Your account at Acme will be linked')
    await openLimits(gateway)
    const done = await passSignIn(gateway, browser, asked, ada.email)
    expect(done.url).toContain('/account/api-keys')
    expect(uaiOf(browser)).toBe(ada.uai)
    const again = createBrowser(gateway)
    await enter(again)
    expect(uaiOf(again)).toBe(ada.uai)
  })
})

test('an address that was only said becomes the person’s once they prove it', async () => {
  const browser = createBrowser(gateway)
  await enter(browser, 'strict')
  const me = async () => JSON.parse((await browser.visit('/v1/auth/me')).html)
  const { email = '' } = upstream.account
  expect((await me()).email).toBe(email)
  const verified = () => gateway.sql`select email_verified from auth_gateway.identities where uai = ${uaiOf(browser)}`
  expect(await verified()).toEqual([{ email_verified: false }])
  const asked = await browser.submit(await browser.visit('/account/email'), { email }, '/account/email')
  await browser.submit(asked, { code: gateway.inbox.codeFor(email) }, '/account/email/code')
  expect(await verified()).toEqual([{ email_verified: true }])
  await openLimits(gateway)
  expect((await signIn(gateway, email)).uai).toBe(uaiOf(browser))
})

test('a person who proves another, new address than the account has gets a new identity with both', async () => {
  const ada = await signIn(gateway)
  upstream.account.email = ada.email
  const browser = createBrowser(gateway)
  const asked = await enter(browser)
  expect(asked.url).toContain('error=link_needed')
  const done = await passSignIn(gateway, browser, asked, newEmail('another'))
  expect(done.url).toContain('/account/api-keys')
  const uai = uaiOf(browser)
  expect(uai).not.toBe(ada.uai)
  const again = createBrowser(gateway)
  await enter(again)
  expect(uaiOf(again)).toBe(uai)
})

describe('account takeover', () => {
  test('by a provider that names the victim’s address, verified: links nothing and signs no one in', async () => {
    const victim = await signIn(gateway)
    upstream.account = { sub: 'attacker', email: victim.email, email_verified: true }
    const attacker = createBrowser(gateway)
    const page = await enter(attacker)
    expect(page.url).toContain('error=link_needed')
    expect(attacker.cookies.has('lanonasis_session')).toBe(false)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('by an attacker who reads the mail of a person with an app: the code signs in and links no account', async () => {
    const victim = await signIn(gateway)
    await enrolTotp(victim)
    upstream.account.email = victim.email
    const browser = createBrowser(gateway)
    const asked = await enter(browser)
    await openLimits(gateway)
    await passSignIn(gateway, browser, asked, victim.email)
    expect(uaiOf(browser)).toBe(victim.uai)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
    expect((await enter(createBrowser(gateway))).url).toContain('error=link_needed')
  })

  test('by an address that is unverified, or not of the domains of its provider, taken before the victim comes: the victim gets another identity', async () => {
    const email = newEmail('victim')
    for (const [slug, verified] of [
      ['acme', false],
      ['acme', true],
      ['strict', true],
    ] as const) {
      upstream.account = { sub: crypto.randomUUID(), email, email_verified: verified }
      const attacker = createBrowser(gateway)
      await enter(attacker, slug)
      expect(uaiOf(attacker)).toBeTruthy()
      await openLimits(gateway)
      const { uai } = await signIn(gateway, newEmail('another'))
      expect(uai).not.toBe(uaiOf(attacker))
    }
    const victim = await signIn(gateway, email)
    const attackers = await gateway.sql`select distinct uai from auth_gateway.credentials where kind = 'external'`
    expect(attackers.map((row) => row.uai)).not.toContain(victim.uai)
  })

  test('by session fixation, a flow begun in the attacker’s browser: refused in the victim’s', async () => {
    const attacker = createBrowser(gateway)
    const callback = await upstream.signIn(attacker, await begin(attacker))
    const victim = createBrowser(gateway)
    expect((await victim.visit(callback)).url).toContain('error=sso_state_invalid')
    expect(victim.cookies.has('lanonasis_session')).toBe(false)
    const busy = createBrowser(gateway)
    await begin(busy)
    expect((await busy.visit(callback)).url).toContain('error=sso_state_invalid')
  })

  test('by linking the attacker’s account in a session that changed meanwhile: refused', async () => {
    const ada = await signIn(gateway)
    const callback = await upstream.signIn(ada.browser, await beginLink(ada.browser, 'acme'))
    const page = await passSignIn(gateway, ada.browser, await ada.browser.visit('/web/login?prompt=login'), newEmail())
    expect(page.status).toBeLessThan(500)
    expect((await ada.browser.visit(callback)).url).toContain('error=sso_state_invalid')
  })

  test('by linking CSRF, a page that makes the victim’s browser link the attacker’s account: refused', async () => {
    const victim = await signIn(gateway)
    const attacker = await signIn(gateway)
    const { html } = await attacker.browser.visit('/account')
    const stolen = /purpose=link[^"]*csrf=([\w-]+)/.exec(html)?.[1]
    expect(stolen).toBeTruthy()
    for (const csrf of ['', '&csrf=made-up', `&csrf=${stolen}`])
      expect((await begin(victim.browser, 'acme', `&purpose=link${csrf}`)).status).toBe(403)
    const own = /purpose=link[^"]*csrf=([\w-]+)/.exec((await victim.browser.visit('/account')).html)?.[1]
    const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
    const path = `/v1/auth/oauth?provider=acme&redirect_uri=/account&purpose=link&csrf=${own}`
    expect((await victim.browser.visit(path, foreign)).status).toBe(403)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('by a page of another site that begins a sign-in: links nothing, and replaces no session', async () => {
    const victim = await signIn(gateway)
    const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
    const path = '/v1/auth/oauth?provider=acme&redirect_uri=/account/api-keys'
    upstream.account = { sub: 'foreign attacker', email: victim.email, email_verified: true }
    const fresh = createBrowser(gateway)
    const asked = await fresh.visit(await upstream.signIn(fresh, await fresh.visit(path, foreign)))
    expect(asked.url).toContain('error=sign_in_to_link')
    expect(asked.html).not.toContain('will be linked')
    await openLimits(gateway)
    await passSignIn(gateway, fresh, asked, victim.email)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
    upstream.account = { sub: crypto.randomUUID(), email: newEmail('attacker'), email_verified: true }
    const page = await victim.browser.visit(
      await upstream.signIn(victim.browser, await victim.browser.visit(path, foreign)),
    )
    expect(page.url).toContain('error=signed_in_as_another')
    expect((await victim.browser.visit('/v1/auth/session/check')).html).toContain(victim.uai)
    const nobody = createBrowser(gateway)
    await nobody.visit(await upstream.signIn(nobody, await nobody.visit(path, foreign)))
    expect(uaiOf(nobody)).toBeTruthy()
  })

  test('by linking an account of another user: refused, and both are unchanged', async () => {
    const owner = createBrowser(gateway)
    await enter(owner)
    const ada = await signIn(gateway)
    const callback = await upstream.signIn(ada.browser, await beginLink(ada.browser, 'acme'))
    expect((await ada.browser.visit(callback)).url).toContain('done=taken')
    expect(await eventsOf(gateway, 'identity', ada.uai)).toHaveLength(2)
  })

  test('by replay of an answer: it counts once', async () => {
    const browser = createBrowser(gateway)
    const first = await begin(browser)
    const cookies = new Map(browser.cookies)
    const callback = await upstream.signIn(browser, first)
    await browser.visit(callback)
    const thief = createBrowser(gateway)
    for (const [name, value] of cookies) thief.cookies.set(name, value)
    expect((await thief.visit(callback)).url).toContain('error=sso_state_invalid')
    expect(thief.cookies.has('lanonasis_session')).toBe(false)
  })

  test('by mix-up, the answer of one provider at the callback of another: refused', async () => {
    const browser = createBrowser(gateway)
    const callback = await upstream.signIn(browser, await begin(browser, 'acme'))
    expect((await browser.visit(callback.replace('/callback/acme', '/callback/strict'))).url).toContain(
      'sso_state_invalid',
    )
  })

  test('by an open redirect in redirect_uri: refused before anything begins', async () => {
    const browser = createBrowser(gateway)
    for (const target of [
      'https://evil.example',
      '//evil.example',
      'javascript:alert(1)',
      'http://127.0.0.1:9/x',
      '/\\evil',
    ]) {
      const page = await browser.visit(`/v1/auth/oauth?provider=acme&redirect_uri=${encodeURIComponent(target)}`)
      expect([target, page.status]).toEqual([target, 400])
    }
    for (const target of ['https://evil.example', 'http://evil.example/callback'])
      expect((await browser.visit(`/v1/auth/oauth?provider=acme&platform=cli&redirect_uri=${target}`)).status).toBe(400)
  })
})

describe('a provider that lies', () => {
  /** A provider whose answers a test can spoil. */
  async function startLiar(
    slug: string,
    lies: {
      issuer?: string
      claims?: Record<string, unknown>
      alg?: 'none' | 'other key'
      metadata?: object
      tokens?: object
    },
  ) {
    const key = await generateKeyPair('RS256', { extractable: true })
    const other = await generateKeyPair('RS256', { extractable: true })
    let nonce = ''
    const server = createServer(async (request, response) => {
      const json = (body: object) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
      if (request.url?.startsWith('/.well-known'))
        return json({
          issuer: lies.issuer ?? url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/jwks`,
          id_token_signing_alg_values_supported: ['RS256'],
          ...lies.metadata,
        })
      if (request.url === '/jwks')
        return json({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] })
      const claims = { sub: 'somebody', nonce, ...lies.claims }
      const token = new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setIssuedAt()
        .setExpirationTime('5m')
      if (!('iss' in claims)) token.setIssuer(url)
      if (!('aud' in claims)) token.setAudience('us')
      const id_token = await token.sign(lies.alg === 'other key' ? other.privateKey : key.privateKey)
      const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${id_token.split('.')[1]}.`
      const tokens = { access_token: 'a', token_type: 'Bearer', id_token: lies.alg === 'none' ? unsigned : id_token }
      json({ ...tokens, ...lies.tokens })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await connect(gateway, { slug, issuer: url, client_id: 'us', listed: false }, 'secret')
    const browser = createBrowser(gateway)
    const page = await browser.visit(`/v1/auth/oauth?provider=${slug}`)
    const asked = new URL(page.location ?? page.url).searchParams
    nonce = asked.get('nonce') ?? ''
    const answer = (more: Record<string, string> = {}) =>
      browser.visit(
        `/v1/auth/oauth/callback/${slug}?${new URLSearchParams({ code: 'c', state: asked.get('state') ?? '', ...more })}`,
      )
    return { page, answer, browser, stop: () => server.close() }
  }

  test.each([
    ['another issuer in its discovery document', 'liar-discovery', { issuer: 'https://accounts.google.com' }],
  ])('%s', async (_name, slug, lies) => {
    const { page, stop } = await startLiar(slug, lies)
    expect(page.status).toBe(502)
    stop()
  })

  test.each([
    ['another nonce', 'liar-nonce', { claims: { nonce: 'other' } }],
    ['no nonce', 'liar-no-nonce', { claims: { nonce: undefined } }],
    ['another issuer in the token', 'liar-iss', { claims: { iss: 'https://accounts.google.com' } }],
    ['another audience', 'liar-aud', { claims: { aud: 'somebody else' } }],
    ['no subject', 'liar-sub', { claims: { sub: undefined } }],
    ['a signature of another key', 'liar-key', { alg: 'other key' as const }],
    ['no signature', 'liar-none', { alg: 'none' as const }],
  ])('%s: no one is signed in', async (_name, slug, lies) => {
    const { answer, browser, stop } = await startLiar(slug, lies)
    const page = await answer()
    expect(page.url).toContain('error=provider_failed')
    expect(browser.cookies.has('lanonasis_session')).toBe(false)
    stop()
  })

  test.each([
    ['null', { refresh_token: null, scope: null, expires_in: null, token_type: null, error: null }],
    ['empty', { refresh_token: '', scope: '', expires_in: '', token_type: '', error: '' }],
    ['lists', { refresh_token: [], scope: ['openid', 'email'], token_type: ['Bearer'], expires_in: ['3600'] }],
    ['objects and numbers', { refresh_token: 7, scope: { openid: true }, token_type: 1, expires_in: -1 }],
  ])('a token answer whose other members are %s: signed in', async (name, tokens) => {
    const metadata = {
      end_session_endpoint: null,
      id_token_signing_alg_values_supported: null,
      scopes_supported: [null],
    }
    const claims = { name: null, email: null, amr: [null], locale: {} }
    const odd = await startLiar(`odd-${name.slice(0, 4)}`, { tokens, metadata, claims })
    expect((await odd.answer()).location ?? '').toContain('/dashboard')
    odd.stop()
  })

  test.each([
    ['no access token', { access_token: null }],
    ['no ID token', { id_token: null }],
    ['an ID token that is a list', { id_token: ['x'] }],
    ['a token type that is not Bearer', { token_type: 'mac' }],
    ['an error in place of tokens', { access_token: undefined, error: 'bad_verification_code' }],
  ])('a token answer with %s: no one is signed in', async (name, tokens) => {
    const odd = await startLiar(`bad-${name.replace(/\W/g, '').toLowerCase()}`, { tokens })
    expect((await odd.answer()).url).toContain('error=provider_failed')
    expect(odd.browser.cookies.has('lanonasis_session')).toBe(false)
    odd.stop()
  })

  test('another issuer in the answer (RFC 9207), and a missing state: no one is signed in', async () => {
    const one = await startLiar('liar-mix', {})
    expect((await one.answer({ iss: 'https://evil.example' })).url).toContain('error=provider_failed')
    one.stop()
    const two = await startLiar('liar-state', {})
    expect((await two.answer({ state: '' })).url).toContain('error=sso_state_invalid')
    two.stop()
  })

  test('cancelled there: said so; honest: signed in', async () => {
    const one = await startLiar('honest', {})
    expect((await one.answer()).location ?? '').toContain('/dashboard')
    one.stop()
    const two = await startLiar('cancelled', {})
    const page = await two.browser.visit(two.page.location ?? '').catch(() => undefined)
    expect(page).toBeDefined()
    two.stop()
  })
})
