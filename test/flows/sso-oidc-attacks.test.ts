import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { connect } from '../support/connections.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { enrolTotp } from '../support/operators.ts'
import { openLimits } from '../support/rows.ts'
import { createBrowser, passSignIn, signIn } from '../support/sign-in.ts'
import { uaiOf, useOidcSignIn } from './oidc-sign-in.ts'

const gateway = useGateway()
const oidc = useOidcSignIn(gateway)
const { begin, beginLink, enter } = oidc

describe('account takeover', () => {
  test('by a provider that names the victim’s address, verified: links nothing and signs no one in', async () => {
    const victim = await signIn(gateway)
    oidc.upstream.account = { sub: 'attacker', email: victim.email, email_verified: true }
    const attacker = createBrowser(gateway)
    const page = await enter(attacker)
    expect(page.url).toContain('error=link_needed')
    expect(attacker.cookies.has('lanonasis_session')).toBe(false)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('by an attacker who reads the mail of a person with an app: the code does not sign in, and links no account', async () => {
    const victim = await signIn(gateway)
    await enrolTotp(victim)
    oidc.upstream.account.email = victim.email
    const browser = createBrowser(gateway)
    const asked = await enter(browser)
    await openLimits(gateway)
    expect((await passSignIn(gateway, browser, asked, victim.email)).url).toContain('/web/second-factor')
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
      oidc.upstream.account = { sub: crypto.randomUUID(), email, email_verified: verified }
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
    const callback = await oidc.upstream.signIn(attacker, await begin(attacker))
    const victim = createBrowser(gateway)
    expect((await victim.visit(callback)).url).toContain('error=sso_state_invalid')
    expect(victim.cookies.has('lanonasis_session')).toBe(false)
    const busy = createBrowser(gateway)
    await begin(busy)
    expect((await busy.visit(callback)).url).toContain('error=sso_state_invalid')
  })

  test('by linking the attacker’s account in a session that changed meanwhile: refused', async () => {
    const ada = await signIn(gateway)
    const callback = await oidc.upstream.signIn(ada.browser, await beginLink(ada.browser, 'acme'))
    const page = await passSignIn(gateway, ada.browser, await ada.browser.visit('/web/login?prompt=login'), newEmail())
    expect(page.status).toBeLessThan(500)
    expect((await ada.browser.visit(callback)).url).toContain('error=sso_state_invalid')
  })

  test('by linking CSRF, a page that makes the victim’s browser link the attacker’s account: refused', async () => {
    const victim = await signIn(gateway)
    const attacker = await signIn(gateway)
    const { html } = await attacker.browser.visit('/account/sign-in')
    const stolen = /purpose=link[^"]*csrf=([\w-]+)/.exec(html)?.[1]
    expect(stolen).toBeTruthy()
    for (const csrf of ['', '&csrf=made-up', `&csrf=${stolen}`])
      expect((await begin(victim.browser, 'acme', `&purpose=link${csrf}`)).status).toBe(403)
    const own = /purpose=link[^"]*csrf=([\w-]+)/.exec((await victim.browser.visit('/account/sign-in')).html)?.[1]
    const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
    const path = `/v1/auth/oauth?provider=acme&redirect_uri=/account&purpose=link&csrf=${own}`
    expect((await victim.browser.visit(path, foreign)).status).toBe(403)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('by a page of another site that begins a sign-in: links nothing, and replaces no session', async () => {
    const victim = await signIn(gateway)
    const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
    const path = '/v1/auth/oauth?provider=acme&redirect_uri=/account/api-keys'
    oidc.upstream.account = { sub: 'foreign attacker', email: victim.email, email_verified: true }
    const fresh = createBrowser(gateway)
    const asked = await fresh.visit(await oidc.upstream.signIn(fresh, await fresh.visit(path, foreign)))
    expect(asked.url).toContain('error=sign_in_to_link')
    expect(asked.html).not.toContain('will be linked')
    await openLimits(gateway)
    await passSignIn(gateway, fresh, asked, victim.email)
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
    oidc.upstream.account = { sub: crypto.randomUUID(), email: newEmail('attacker'), email_verified: true }
    const page = await victim.browser.visit(
      await oidc.upstream.signIn(victim.browser, await victim.browser.visit(path, foreign)),
    )
    expect(page.url).toContain('error=signed_in_as_another')
    expect((await victim.browser.visit('/v1/auth/session/check')).html).toContain(victim.uai)
    const nobody = createBrowser(gateway)
    await nobody.visit(await oidc.upstream.signIn(nobody, await nobody.visit(path, foreign)))
    expect(uaiOf(nobody)).toBeTruthy()
  })

  test('by linking an account of another user: refused, and both are unchanged', async () => {
    const owner = createBrowser(gateway)
    await enter(owner)
    const ada = await signIn(gateway)
    const callback = await oidc.upstream.signIn(ada.browser, await beginLink(ada.browser, 'acme'))
    expect((await ada.browser.visit(callback)).url).toContain('done=taken')
    expect(await eventsOf(gateway, 'identity', ada.uai)).toHaveLength(2)
  })

  test('by replay of an answer: it counts once', async () => {
    const browser = createBrowser(gateway)
    const first = await begin(browser)
    const cookies = new Map(browser.cookies)
    const callback = await oidc.upstream.signIn(browser, first)
    await browser.visit(callback)
    const thief = createBrowser(gateway)
    for (const [name, value] of cookies) thief.cookies.set(name, value)
    expect((await thief.visit(callback)).url).toContain('error=sso_state_invalid')
    expect(thief.cookies.has('lanonasis_session')).toBe(false)
  })

  test('by mix-up, the answer of one provider at the callback of another: refused', async () => {
    const browser = createBrowser(gateway)
    const callback = await oidc.upstream.signIn(browser, await begin(browser, 'acme'))
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

  test('shows that the person cancelled there; signs in after an honest answer', async () => {
    const one = await startLiar('honest', {})
    expect((await one.answer()).location ?? '').toContain('/dashboard')
    one.stop()
    const two = await startLiar('cancelled', {})
    expect((await two.answer({ error: 'access_denied' })).url).toContain('error=provider_denied')
    expect(two.browser.cookies.has('lanonasis_session')).toBe(false)
    two.stop()
  })
})
