import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../support/connections.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { createBrowser, postJson, signIn, type TestBrowser } from '../support/sign-in.ts'

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => unknown
const routes = new Map<string, Handler>()
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { pathname } = new URL(request.url ?? '/', 'http://x')
  const answer = await routes.get(pathname)?.(request, Buffer.concat(chunks).toString(), response)
  if (response.writableEnded) return
  response
    .writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    .end(JSON.stringify(answer ?? {}))
})
let base: string
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
const gateway = useGateway(() => ({
  env: { SUPABASE_URL: `${base}/supabase`, SUPABASE_ANON_KEY: 'sb_publishable_test' },
}))
afterAll(async () => {
  server.closeAllConnections()
  server.close()
})

const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '%7B%7D')).id
async function begin(browser: TestBrowser, slug: string) {
  const page = await browser.visit(`/v1/auth/oauth?provider=${slug}&redirect_uri=/account`)
  const to = new URL(page.location ?? page.url)
  return { page, to, asked: to.searchParams }
}
const back = (browser: TestBrowser, slug: string, params: Record<string, string>) =>
  browser.visit(`/v1/auth/oauth/callback/${slug}?${new URLSearchParams(params)}`)

describe('an OAuth 2.0 provider without OpenID Connect (GitHub)', () => {
  const user = { id: 583231, login: 'octocat', name: 'Mona', email: null }
  let primary = newEmail('octocat')
  beforeAll(async () => {
    routes.set('/github/token', (_request, body) => {
      const form = new URLSearchParams(body)
      expect(Object.fromEntries(form)).toMatchObject({ client_id: 'gh', client_secret: 'gh secret', code: 'the code' })
      expect(form.get('code_verifier')).toMatch(/^[\w-]{43}$/)
      return { access_token: 'gho_x', token_type: 'bearer', scope: 'read:user,user:email' }
    })
    routes.set('/github/user', (request) => {
      expect(request.headers.authorization).toBe('Bearer gho_x')
      return user
    })
    routes.set('/github/emails', () => [
      { email: 'other@example.com', primary: false, verified: true },
      { email: primary, primary: true, verified: true },
    ])
    await connect(
      gateway,
      {
        ...{ slug: 'github', name: 'GitHub', protocol: 'oauth2', client_id: 'gh', auth_method: 'client_secret_post' },
        ...{ authorization_endpoint: `${base}/github/authorize`, token_endpoint: `${base}/github/token` },
        ...{ userinfo_endpoint: `${base}/github/user`, emails_endpoint: `${base}/github/emails`, subject_member: 'id' },
        scope: 'read:user user:email',
      },
      'gh secret',
    )
  })

  test('signs in by the number of the account; a new address there changes nothing', async () => {
    const browser = createBrowser(gateway)
    const { to, asked } = await begin(browser, 'github')
    expect(to.href).toContain(`${base}/github/authorize`)
    expect(asked.get('nonce')).toBeNull()
    await back(browser, 'github', { code: 'the code', state: asked.get('state') ?? '' })
    const uai = uaiOf(browser)
    expect(uai).toBeTruthy()
    primary = newEmail('renamed')
    const again = createBrowser(gateway)
    const second = await begin(again, 'github')
    await back(again, 'github', { code: 'the code', state: second.asked.get('state') ?? '' })
    expect(uaiOf(again)).toBe(uai)
    // The address was never proven here, so it finds no one.
    expect((await signIn(gateway, primary)).uai).not.toBe(uai)
  })

  test('a program of ours gets its tokens at its own redirect URI (docs/wire-contract.md 1.4)', async () => {
    const browser = createBrowser(gateway)
    const redirect = 'http://127.0.0.1:8888/callback'
    const page = await browser.visit(`/v1/auth/oauth?provider=GitHub&platform=cli&redirect_uri=${redirect}`)
    const state = new URL(page.location ?? '').searchParams.get('state') ?? ''
    const answer = new URL((await back(browser, 'github', { code: 'the code', state })).location ?? '')
    expect(answer.href).toContain(redirect)
    expect(answer.searchParams.get('provider')).toBe('github')
    const { body } = await postJson(gateway, '/v1/auth/verify-token', {
      token: answer.searchParams.get('access_token'),
    })
    expect(body).toMatchObject({ valid: true })
    expect(browser.cookies.has('lanonasis_session')).toBe(false)
  })
})

describe('a provider that says nothing at length', () => {
  const nothing = { refresh_token: null, expires_in: '', scope: ['openid', 'email'], extra: [], more: { of: {} } }

  test('an OpenID provider whose documents and answers hold nulls, empty members and lists signs in', async () => {
    const signing = await generateKeyPair('RS256', { extractable: true })
    const issuer = `${base}/silent`
    const found = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` }
    routes.set('/silent/.well-known/openid-configuration', () => ({
      ...{ issuer, ...found, jwks_uri: `${issuer}/keys`, end_session_endpoint: null, userinfo_endpoint: '' },
      ...{ id_token_signing_alg_values_supported: [], response_types_supported: null, claims_supported: [null] },
    }))
    routes.set('/silent/keys', async () => ({
      keys: [{ ...(await exportJWK(signing.publicKey)), kid: 'a', alg: 'RS256', use: null, x5c: [], x5t: '' }],
    }))
    let nonce = ''
    routes.set('/silent/token', async () => ({
      ...{ access_token: 'a', token_type: 'Bearer', ...nothing },
      id_token: await new SignJWT({
        ...{ nonce, email: null, name: '', amr: null, locale: null },
        ...{ azp: null, auth_time: null, nbf: null, acr: '', sid: null, hd: [] },
      } as never)
        .setProtectedHeader({ alg: 'RS256', kid: 'a' })
        .setSubject('001.silent')
        .setIssuer(issuer)
        .setAudience('silent')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(signing.privateKey),
    }))
    await connect(gateway, { slug: 'silent', issuer, client_id: 'silent' }, 'secret')
    const browser = createBrowser(gateway)
    const { asked } = await begin(browser, 'silent')
    nonce = asked.get('nonce') ?? ''
    const page = await back(browser, 'silent', { code: 'c', state: asked.get('state') ?? '' })
    expect(page.url).toContain('/account')
    expect(uaiOf(browser)).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('so does one without OpenID Connect', async () => {
    routes.set('/twitch/token', () => ({ access_token: 'a', token_type: 'bearer', ...nothing, id_token: null }))
    routes.set('/twitch/user', () => ({ id: 7, email: '', name: null, verified: null, tags: [] }))
    await connect(
      gateway,
      {
        ...{ slug: 'twitch', name: 'Twitch', protocol: 'oauth2', client_id: 'tw', auth_method: 'client_secret_post' },
        ...{ authorization_endpoint: `${base}/twitch/authorize`, token_endpoint: `${base}/twitch/token` },
        ...{ userinfo_endpoint: `${base}/twitch/user`, subject_member: 'id', scope: 'user:read:email' },
      },
      'secret',
    )
    const browser = createBrowser(gateway)
    const { asked } = await begin(browser, 'twitch')
    await back(browser, 'twitch', { code: 'c', state: asked.get('state') ?? '' })
    expect(uaiOf(browser)).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('Apple', () => {
  test('gets a client secret that its key signs, and posts its answer', async () => {
    const key = await generateKeyPair('ES256', { extractable: true })
    const signing = await generateKeyPair('RS256', { extractable: true })
    const issuer = `${base}/apple`
    let nonce = ''
    routes.set('/apple/.well-known/openid-configuration', () => ({
      ...{
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
      },
      id_token_signing_alg_values_supported: ['RS256'],
    }))
    routes.set('/apple/keys', async () => ({
      keys: [{ ...(await exportJWK(signing.publicKey)), kid: 'a', alg: 'RS256' }],
    }))
    routes.set('/apple/token', async (_request, body) => {
      const secret = new URLSearchParams(body).get('client_secret') ?? ''
      const { payload, protectedHeader } = await jwtVerify(secret, key.publicKey, { audience: issuer, issuer: 'TEAM' })
      expect([payload.sub, protectedHeader.kid]).toEqual(['com.lanonasis.web', 'KEY'])
      const claims = { nonce, email: 'x@privaterelay.appleid.com', email_verified: 'true' }
      const id_token = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: 'a' })
        .setSubject('001.apple')
        .setIssuer(issuer)
        .setAudience('com.lanonasis.web')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(signing.privateKey)
      return { access_token: 'a', token_type: 'Bearer', id_token }
    })
    const settings = {
      slug: 'apple',
      issuer,
      client_id: 'com.lanonasis.web',
      auth_method: 'apple' as const,
      scope: 'openid email name',
    }
    await connect(
      gateway,
      { ...settings, apple: { team_id: 'TEAM', key_id: 'KEY' } },
      await exportPKCS8(key.privateKey),
    )
    const browser = createBrowser(gateway)
    const { asked } = await begin(browser, 'apple')
    expect(asked.get('response_mode')).toBe('form_post')
    nonce = asked.get('nonce') ?? ''
    const body = new URLSearchParams({
      code: 'c',
      state: asked.get('state') ?? '',
      user: '{"name":{"firstName":"Ada"}}',
    })
    const page = await browser.visit('/v1/auth/oauth/callback/apple', { method: 'POST', body })
    expect(page.url).toContain('/account')
    expect(uaiOf(browser)).toBeTruthy()
  })
})

describe('a provider of the Supabase project', () => {
  test('signs in the Supabase user, who is the same by password and token', async () => {
    const user = {
      id: crypto.randomUUID(),
      email: newEmail('google'),
      email_confirmed_at: '2026-01-01T00:00:00Z',
      user_metadata: { full_name: 'Ada' },
    }
    routes.set('/supabase/auth/v1/token', (request, body) => {
      expect(request.headers.apikey).toBe('sb_publishable_test')
      expect(JSON.parse(body)).toEqual({
        auth_code: 'supabase code',
        code_verifier: expect.stringMatching(/^[\w-]{43}$/),
      })
      return { access_token: 'x', user }
    })
    routes.set('/supabase/auth/v1/settings', () => ({ mailer_autoconfirm: false }))
    await connect(gateway, { slug: 'google', name: 'Google', protocol: 'supabase', supabase_provider: 'google' })
    const known = await signIn(gateway, user.email)
    const browser = createBrowser(gateway)
    const { to, asked } = await begin(browser, 'google')
    expect(to.pathname).toBe('/supabase/auth/v1/authorize')
    expect(asked.get('provider')).toBe('google')
    const callback = new URL(asked.get('redirect_to') ?? '')
    expect(callback.href).toContain(`${gateway.url}/v1/auth/oauth/callback/google?state=`)
    await back(browser, 'google', { code: 'supabase code', state: callback.searchParams.get('state') ?? '' })
    expect(uaiOf(browser)).toBe(known.uai)
    const denied = createBrowser(gateway)
    const second = await begin(denied, 'google')
    const state = new URL(second.asked.get('redirect_to') ?? '').searchParams.get('state') ?? ''
    expect((await back(denied, 'google', { error: 'access_denied', state })).url).toContain('error=provider_failed')
  })
})

describe('a custom identity provider that is a hook alone', () => {
  const SECRET = Buffer.from('a secret that a provider and the gateway share').toString('base64')
  const answers: Record<string, (data: Record<string, string>) => Promise<object> | object> = {}
  let key: Awaited<ReturnType<typeof generateKeyPair>>
  const assertion = async (data: Record<string, string>, changes: Record<string, unknown> = {}, signer = key) =>
    new SignJWT({ nonce: data.nonce, jti: crypto.randomUUID(), email: 'badge@acme.example', ...changes })
      .setProtectedHeader({ alg: 'ES256' })
      .setSubject('badge-7')
      .setIssuer('badge')
      .setAudience(String(changes.aud ?? gateway.url))
      .setIssuedAt()
      .setExpirationTime(changes.long ? '1h' : '2m')
      .sign(signer.privateKey)

  beforeAll(async () => {
    key = await generateKeyPair('ES256', { extractable: true })
    routes.set('/badge', (request, body) => {
      const { type, data } = new Webhook(SECRET).verify(body, request.headers as Record<string, string>) as {
        type: string
        data: Record<string, string>
      }
      expect(type).toBe('sign-in')
      expect(data).toMatchObject({
        provider: 'badge',
        issuer: gateway.url,
        callback: expect.stringContaining('/callback/badge?state='),
      })
      return answers.now?.(data)
    })
    const public_jwk = { ...(await exportJWK(key.publicKey)), alg: 'ES256' }
    await connect(
      gateway,
      { slug: 'badge', name: 'Badge', protocol: 'hook', hook: { url: `${base}/badge`, public_jwk } },
      `v1,whsec_${SECRET}`,
    )
  })

  test('answers at once with an assertion, or says where to go and answers from there', async () => {
    answers.now = async (data) => ({ assertion: await assertion(data) })
    const browser = createBrowser(gateway)
    const page = await browser.visit('/v1/auth/oauth?provider=badge&redirect_uri=/account')
    expect(page.url).toContain('/account')
    const uai = uaiOf(browser)
    let asked: Record<string, string> = {}
    answers.now = (data) => {
      asked = data
      return { redirect_to: `${base}/badge/page` }
    }
    const again = createBrowser(gateway)
    expect((await again.visit('/v1/auth/oauth?provider=badge&redirect_uri=/account')).location).toBe(
      `${base}/badge/page`,
    )
    await again.visit(`${asked.callback}&assertion=${await assertion(asked)}`)
    expect(uaiOf(again)).toBe(uai)
  })

  test.each([
    ['of another flow', { nonce: 'other' }],
    ['for somebody else', { aud: 'https://elsewhere.example' }],
    ['that lives too long', { long: true }],
    ['without an id', { jti: undefined }],
  ])('refuses an assertion %s', async (_name, changes) => {
    answers.now = async (data) => ({ assertion: await assertion(data, changes) })
    const browser = createBrowser(gateway)
    expect((await browser.visit('/v1/auth/oauth?provider=badge')).url).toContain('error=provider_failed')
    expect(browser.cookies.has('lanonasis_session')).toBe(false)
  })

  test('refuses an assertion of another key, a replayed one, junk, and an address that is no address', async () => {
    const other = await generateKeyPair('ES256', { extractable: true })
    answers.now = async (data) => ({ assertion: await assertion(data, {}, other) })
    expect((await createBrowser(gateway).visit('/v1/auth/oauth?provider=badge')).url).toContain('error=provider_failed')
    answers.now = () => ({ assertion: 'junk' })
    expect((await createBrowser(gateway).visit('/v1/auth/oauth?provider=badge')).url).toContain('error=provider_failed')
    for (const redirect_to of ['javascript:alert(1)', '/relative', 7]) {
      answers.now = () => ({ redirect_to })
      expect((await createBrowser(gateway).visit('/v1/auth/oauth?provider=badge')).status).toBe(502)
    }
    answers.now = () => ({ error: 'access_denied' })
    expect((await createBrowser(gateway).visit('/v1/auth/oauth?provider=badge')).status).toBe(403)
  })
})

describe('logout of an OpenID provider', () => {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  let issuer: string
  let enter: (sid?: string) => Promise<TestBrowser>
  let token: (claims: Record<string, unknown>) => Promise<string>
  let idToken = ''

  beforeAll(async () => {
    const key = await generateKeyPair('RS256', { extractable: true })
    issuer = `${base}/oidc`
    let claims: Record<string, unknown> = {}
    routes.set('/oidc/.well-known/openid-configuration', () => ({
      ...{
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
      },
      ...{ id_token_signing_alg_values_supported: ['RS256'], end_session_endpoint: `${issuer}/end` },
    }))
    routes.set('/oidc/keys', async () => ({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'k', alg: 'RS256' }] }))
    token = (claims) =>
      new SignJWT({ sub: 'worker', jti: crypto.randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setIssuer(issuer)
        .setAudience('us')
        .setIssuedAt()
        .setExpirationTime('2m')
        .sign(key.privateKey)
    routes.set('/oidc/token', async () => {
      idToken = await token(claims)
      return { access_token: 'a', token_type: 'Bearer', id_token: idToken }
    })
    await connect(gateway, { slug: 'oidc', issuer, client_id: 'us', logout: true }, 'secret')
    enter = async (sid) => {
      const browser = createBrowser(gateway)
      const { asked } = await begin(browser, 'oidc')
      claims = { nonce: asked.get('nonce') ?? '', sid }
      await back(browser, 'oidc', { code: 'c', state: asked.get('state') ?? '' })
      expect(await isSignedIn(browser)).toBe(true)
      return browser
    }
  })

  const isSignedIn = async (browser: TestBrowser) => !(await browser.visit('/account')).url.includes('/web/login')
  const out = async (logout_token: string) => {
    const body = new URLSearchParams({ logout_token })
    return (await fetch(`${gateway.url}/v1/auth/oauth/backchannel/oidc`, { method: 'POST', body })).status
  }

  test('over the back channel, by a token of the provider alone, once', async () => {
    const browser = await enter()
    for (const bad of [{ events: {} }, { events: null }, { events, nonce: 'n' }, { events, sub: undefined }])
      expect(await out(await token(bad))).toBe(400)
    expect(await out('junk')).toBe(400)
    expect(await isSignedIn(browser)).toBe(true)
    const good = await token({ events, nonce: null, sid: null })
    expect(await out(good)).toBe(200)
    expect(await out(good)).toBe(400)
    expect(await isSignedIn(browser)).toBe(false)
  })

  test.each([
    ['a session there ends what began with it alone', { sid: 'one', sub: undefined }, [false, true, true]],
    ['a session there of the account, also what began without a name for it', { sid: 'one' }, [false, true, false]],
    ['an account ends all of its sessions', {}, [false, false, false]],
    ['a session of another account ends none', { sid: 'one', sub: 'another' }, [true, true, true]],
  ])('over the back channel: %s', async (_name, claims, left) => {
    await out(await token({ events }))
    const browsers = [await enter('one'), await enter('two'), await enter()]
    expect(await out(await token({ events, ...claims }))).toBe(200)
    expect(await Promise.all(browsers.map(isSignedIn))).toEqual(left)
  })

  test('signing out here leads there, with the ID token as the hint', async () => {
    const browser = await enter('three')
    const page = await browser.visit('/web/logout')
    const gone = await browser.submit(page, {}, '/web/logout')
    const to = new URL(gone.location ?? '')
    expect(`${to.origin}${to.pathname}`).toBe(`${issuer}/end`)
    expect(Object.fromEntries(to.searchParams)).toEqual({
      client_id: 'us',
      id_token_hint: idToken,
      post_logout_redirect_uri: `${gateway.url}/web/login`,
    })
    expect((await browser.visit('/v1/auth/oauth/logout/oidc?ticket=junk')).status).toBe(404)
  })

  test('what is stored of the upstream session is sealed, and deleted with an erased person', async () => {
    const browser = await enter('four')
    const uai = uaiOf(browser)
    const kept = () => gateway.sql`
      select s.sealed from auth_gateway.event_secrets s join auth_gateway.sessions x on x.id = s.stream_id
      where s.name = 'upstream' and x.uai = ${uai}`
    const [first] = await kept()
    expect(Buffer.from(first?.sealed).toString('latin1')).not.toContain(idToken.slice(0, 40))
    const page = await browser.visit('/account/erase')
    await browser.submit(page, { word: 'delete' }, '/account/erase')
    expect(await kept()).toEqual([])
  })
})
