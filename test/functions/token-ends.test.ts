import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { api, directSignIn } from '../support/api-keys.ts'
import { addClient, eventsOf, useGateway } from '../support/gateway.ts'
import { dpopProof, newSigningKey } from '../support/proofs.ts'
import { ageSessions, openLimits } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  getTokens,
  passSignIn,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
  type Tokens,
} from '../support/sign-in.ts'

const NATIVE = { client_id: 'vscode-extension', redirect_uri: 'http://127.0.0.1:8080/callback' }

const gateway = useGateway()

/** Whether each door still accepts a token. */
async function doors(token: string): Promise<Record<string, boolean>> {
  const asBearer = async (method: string, path: string) => (await api(gateway, method, path, { token })).status === 200
  return {
    userinfo: await asBearer('GET', '/oauth/userinfo'),
    introspect: (await post(gateway, '/oauth/introspect', { token })).body.active,
    verify: await asBearer('POST', '/v1/auth/verify'),
    'verify-token': (await postJson(gateway, '/v1/auth/verify-token', { token })).body.valid,
    'introspect any': (await postJson(gateway, '/v1/auth/introspect', { token })).body.valid,
    resolve: await asBearer('GET', '/v1/auth/resolve'),
    me: await asBearer('GET', '/v1/auth/me'),
  }
}
const all = (stands: boolean) => ({
  userinfo: stands,
  introspect: stands,
  verify: stands,
  'verify-token': stands,
  'introspect any': stands,
  resolve: stands,
  me: stands,
})
const cookieOf = ({ browser }: SignedInBrowser) => ({
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
})
const logoutUrl = (params: Record<string, string>) => `/oauth/logout?${new URLSearchParams(params)}`
const refresh = (tokens: Tokens, client_id: string) =>
  post(gateway, '/oauth/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id })

type End = (person: SignedInBrowser, tokens: Tokens) => Promise<unknown>
const ends: Record<string, End> = {
  'RP-initiated logout with an ID token': ({ browser }, { id_token = '' }) =>
    browser.visit(logoutUrl({ id_token_hint: id_token })),
  'RP-initiated logout that the person confirms': async ({ browser }) =>
    browser.submit(await browser.visit(logoutUrl({ client_id: 'auth-tester' })), {}, '/oauth/logout'),
  'RP-initiated logout from where there is no cookie': (_person, { id_token = '' }) =>
    createBrowser(gateway).visit(logoutUrl({ id_token_hint: id_token })),
  'signing out of the pages': async ({ browser }) =>
    browser.submit(await browser.visit('/web/logout'), {}, '/web/logout'),
  'signing out by the API': (person) => api(gateway, 'POST', '/v1/auth/logout', { headers: cookieOf(person) }),
  'ending it from another session': async ({ email }, { access_token }) => {
    await openLimits(gateway)
    const elsewhere = await signIn(gateway, email)
    const { sid } = decodeJwt(access_token)
    return api(gateway, 'DELETE', `/v1/auth/sessions/${sid}`, { headers: cookieOf(elsewhere) })
  },
  'another sign-in in its place': async ({ browser, email }) => {
    await openLimits(gateway)
    return passSignIn(gateway, browser, await browser.visit('/web/login?prompt=login'), email)
  },
  'its end in time': ({ uai }) => gateway.sql`update auth_gateway.sessions set expires_at = now() where uai = ${uai}`,
  idleness: ({ uai }) => ageSessions(gateway, uai, 691200),
}

describe('access tokens end with their session', () => {
  test.each(Object.entries(ends))('by %s, at every door and permanently', async (_name, end) => {
    const person = await signIn(gateway)
    const tokens = await getTokens(gateway, person)
    expect(await doors(tokens.access_token)).toEqual(all(true))
    await end(person, tokens)
    expect(await doors(tokens.access_token)).toEqual(all(false))
    expect((await refresh(tokens, 'auth-tester')).body.error).toBe('invalid_grant')
  })

  test('and name no later end themselves', async () => {
    const person = await signIn(gateway)
    await gateway.sql`update auth_gateway.sessions set expires_at = now() + interval '10 minutes' where uai = ${person.uai}`
    const { access_token, expires_in } = await getTokens(gateway, person)
    expect(expires_in).toBeGreaterThan(590)
    expect(expires_in).toBeLessThanOrEqual(600)
    expect((decodeJwt(access_token).exp ?? 0) - (decodeJwt(access_token).iat ?? 0)).toBe(expires_in)
    const { expires_in: native } = await getTokens(gateway, person, { ...NATIVE, scope: 'memories:read' })
    expect(native).toBe(3600)
  })
})

describe('tokens that outlive their session', () => {
  test('with offline access: no way of ending it ends them, but its own application may revoke them', async () => {
    const person = await signIn(gateway)
    const tokens = await getTokens(gateway, person, { scope: 'openid offline_access' })
    await person.browser.visit(logoutUrl({ id_token_hint: tokens.id_token ?? '' }))
    expect(await doors(tokens.access_token)).toEqual(all(true))
    expect((await refresh(tokens, 'auth-tester')).status).toBe(200)
  })

  test('of a native application: they stay when the person signs out elsewhere, and end when it signs them out', async () => {
    const person = await signIn(gateway)
    const tokens = await getTokens(gateway, person, { ...NATIVE, scope: 'openid memories:read' })
    const other = await getTokens(gateway, person)
    await person.browser.visit(logoutUrl({ id_token_hint: other.id_token ?? '' }))
    expect(await doors(tokens.access_token)).toEqual(all(true))
    await createBrowser(gateway).visit(logoutUrl({ id_token_hint: tokens.id_token ?? '' }))
    expect(await doors(tokens.access_token)).toEqual(all(false))
    const revoked = (await eventsOf(gateway, 'token_family')).filter(
      ({ event_type }) => event_type === 'TokenFamilyRevoked',
    )
    expect(revoked.at(-1)).toMatchObject({ data: { reason: 'logout' } })
  })

  test('an ID token without the cookie ends nothing of another application or session', async () => {
    const person = await signIn(gateway)
    const mine = await getTokens(gateway, person)
    await addClient(gateway, 'rp', { token_endpoint_auth_method: 'none' })
    const rp = { client_id: 'rp', redirect_uri: 'https://app.example/callback', scope: 'openid' }
    const theirs = await getTokens(gateway, person, rp)
    await createBrowser(gateway).visit(logoutUrl({ id_token_hint: theirs.id_token ?? '' }))
    expect((await doors(theirs.access_token)).userinfo).toBe(false)
    expect(await doors(mine.access_token)).toEqual(all(true))
    expect((await api(gateway, 'GET', '/v1/auth/me', { headers: cookieOf(person) })).status).toBe(200)
  })
})

describe('a renewal without a refresh token (POST /v1/auth/refresh)', () => {
  const renew = (token: string, headers: Record<string, string> = {}) =>
    api(gateway, 'POST', '/v1/auth/refresh', { token, headers })
  /** Three tokens, each renewed by the one before. */
  const chain = async () => {
    const { token, refreshToken } = await directSignIn(gateway)
    const second: string = (await renew(token)).body.access_token
    const third: string = (await renew(second)).body.access_token
    expect(new Set([token, second, third]).size).toBe(3)
    return { tokens: [token, second, third], refreshToken }
  }
  const standing = async (tokens: string[]) => {
    const answers = await Promise.all(tokens.map((token) => post(gateway, '/oauth/introspect', { token })))
    return answers.map(({ body }) => body.active)
  }

  test('200 with a token of the same family, person, scope and audience', async () => {
    const { tokens } = await chain()
    const [first, , third] = tokens.map((token) => decodeJwt(token))
    for (const name of ['sub', 'sid', 'aud', 'scope', 'client_id', 'auth_time'])
      expect([name, third?.[name]]).toEqual([name, first?.[name]])
    expect(third?.jti).toMatch(new RegExp(`^${first?.jti}\\.[\\w-]{16}$`))
    expect(await standing(tokens)).toEqual([true, true, true])
  })

  test.each([0, 1, 2])('revoking token %i of three ends all three, and nothing renews them', async (n) => {
    const { tokens } = await chain()
    const token = tokens[n] ?? ''
    expect((await post(gateway, '/oauth/revoke', { token })).body).toEqual({ revoked: true })
    expect(await standing(tokens)).toEqual([false, false, false])
    for (const one of tokens) expect((await renew(one)).status).toBe(401)
  })

  test('revoking the refresh token ends them, and so does ending the session', async () => {
    const byFamily = await chain()
    await post(gateway, '/oauth/revoke', { token: byFamily.refreshToken })
    expect(await standing(byFamily.tokens)).toEqual([false, false, false])
    const bySession = await chain()
    await api(gateway, 'POST', '/v1/auth/logout', { token: bySession.tokens[0] })
    expect(await standing(bySession.tokens)).toEqual([false, false, false])
  })

  test('what was exchanged for a renewed token ends with the first one', async () => {
    const service = {
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [],
      response_types: [],
    }
    const api = 'https://api.lanonasis.com'
    await addClient(
      gateway,
      'exchanger',
      {
        ...service,
        token_endpoint_auth_method: 'client_secret_post',
        resources: [api],
        exchange_resources: [api],
      },
      true,
    )
    const { tokens } = await chain()
    const { body } = await post(gateway, '/oauth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: tokens[2] ?? '',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      client_id: 'exchanger',
      client_secret: 'a secret: +%',
    })
    expect(await standing([body.access_token])).toEqual([true])
    await post(gateway, '/oauth/revoke', { token: tokens[0] ?? '' })
    expect(await standing([body.access_token])).toEqual([false])
  })

  test('never past the absolute end of the session', async () => {
    const { token } = await directSignIn(gateway)
    const { sid } = decodeJwt(token)
    await gateway.sql`update auth_gateway.sessions set expires_at = now() + interval '5 minutes' where id = ${String(sid)}`
    const { body } = await renew(token)
    expect(body.expires_in).toBeGreaterThan(290)
    expect(body.expires_in).toBeLessThanOrEqual(300)
    await gateway.sql`update auth_gateway.sessions set expires_at = now() where id = ${String(sid)}`
    expect((await renew(body.access_token)).status).toBe(401)
  })

  test('counts as activity of the session', async () => {
    const { token } = await directSignIn(gateway)
    const sid = String(decodeJwt(token).sid)
    await gateway.sql`update auth_gateway.sessions set started_at = now() - interval '1 hour' where id = ${sid}`
    await renew(token)
    const [seen] = await gateway.sql`
      select last_seen_at > now() - interval '1 minute' as lately from auth_gateway.session_activity where session_id = ${sid}`
    expect(seen?.lately).toBe(true)
  })

  test('401 for a bound token without its proof, 200 with it, and the new one is bound alike', async () => {
    const key = await newSigningKey()
    const { refreshToken } = await directSignIn(gateway)
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'lanonasis-cli' }
    const atToken = await dpopProof(key, { htm: 'POST', htu: `${gateway.url}/oauth/token` })
    const { body: bound } = await post(gateway, '/oauth/token', form, { dpop: atToken })
    expect(decodeJwt(bound.access_token).cnf).toEqual({ jkt: key.jkt })
    expect((await renew(bound.access_token)).status).toBe(401)
    const htu = `${gateway.url}/v1/auth/refresh`
    const dpop = await dpopProof(key, { htm: 'POST', htu, accessToken: bound.access_token })
    const headers = { authorization: `DPoP ${bound.access_token}`, dpop }
    const { status, body } = await api(gateway, 'POST', '/v1/auth/refresh', { headers })
    expect([status, body.token_type, decodeJwt(body.access_token).cnf]).toEqual([200, 'DPoP', { jkt: key.jkt }])
  })

  test('401 for a token of an application', async () => {
    const { access_token } = await getTokens(gateway, await signIn(gateway))
    expect((await renew(access_token)).body.code).toBe('INVALID_REFRESH_TOKEN')
  })
})

describe('a refresh token at introspection', () => {
  const metadata = (host: string) => ({
    redirect_uris: [`https://${host}/`],
    token_endpoint_auth_method: 'client_secret_post' as const,
  })
  const introspect = async (token: string, client_id?: string) => {
    const credentials = { ...(client_id && { client_id, client_secret: 'a secret: +%' }) }
    return (await post(gateway, '/oauth/introspect', { token, ...credentials })).body
  }

  test('is active for its own authenticated client only', async () => {
    const { client_id, redirect_uri, client_secret } = await addClient(
      gateway,
      'confidential',
      metadata('confidential.example'),
    )
    await addClient(gateway, 'resource-server', metadata('rs.example'), true)
    const person = await signIn(gateway)
    const verifier = 'v'.repeat(43)
    const code = (
      await authorize(person.browser, authorizeParams(verifier, { client_id, redirect_uri, scope: 'openid' }))
    ).get('code')
    const form = { grant_type: 'authorization_code', code: code ?? '', code_verifier: verifier, redirect_uri }
    const { body } = await post(gateway, '/oauth/token', { ...form, client_id, client_secret })
    expect(await introspect(body.refresh_token, 'confidential')).toMatchObject({
      active: true,
      token_type: 'refresh_token',
    })
    expect(await introspect(body.refresh_token, 'resource-server')).toEqual({ active: false })
    expect(await introspect(body.refresh_token)).toEqual({ active: false })
    expect((await introspect(body.access_token, 'resource-server')).active).toBe(true)
  })

  test.each(['direct sign-in', 'application'])('of a public client (%s) is active for no one', async (kind) => {
    const direct = kind === 'direct sign-in'
    const token = direct
      ? (await directSignIn(gateway)).refreshToken
      : (await getTokens(gateway, await signIn(gateway))).refresh_token
    const client_id = direct ? 'lanonasis-cli' : 'auth-tester'
    expect((await post(gateway, '/oauth/introspect', { token })).body).toEqual({ active: false })
    expect((await post(gateway, '/oauth/introspect', { token, client_id })).body).toEqual({ active: false })
  })
})
