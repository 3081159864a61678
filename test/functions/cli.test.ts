import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import {
  authorizeParams,
  createBrowser,
  newVerifier,
  type Page,
  passSignIn,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const CLIENT = 'lanonasis-cli'
const SHORT = /value="([BCDFGHJKLMNPQRSTVWXZ]{5}-[BCDFGHJKLMNPQRSTVWXZ]{5})"/

const gateway = useGateway()
let ada: SignedInBrowser
beforeAll(async () => {
  ada = await signIn(gateway)
})

const hosted = () => `${gateway.url}/auth/cli-callback`

/** A sign-in of a terminal as far as the page that shows the code. */
async function askForPaste(changes: Record<string, string> = {}, person = ada) {
  const verifier = newVerifier()
  const params = authorizeParams(verifier, {
    client_id: CLIENT,
    redirect_uri: hosted(),
    scope: 'memories:read profile',
    ...changes,
  })
  const consent = await person.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  const allow = () => person.browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
  return { verifier, consent, allow }
}

const shown = (page: Page) => SHORT.exec(page.html)?.[1] ?? ''

const redeem = (code: string, verifier: string, changes: Record<string, string> = {}, ip = randomIp()) =>
  post(
    gateway,
    '/oauth/token',
    {
      grant_type: 'authorization_code',
      client_id: CLIENT,
      redirect_uri: hosted(),
      code,
      code_verifier: verifier,
      ...changes,
    },
    { [IP_HEADER]: ip },
  )

describe('the hosted callback', () => {
  test('asks for consent each time, although the client is our own, and says what the code can do', async () => {
    for (let round = 0; round < 2; round++) {
      const { consent, allow } = await askForPaste()
      expect(consent.html).toContain('anyone who has it can sign in as you')
      expect(shown(await allow())).toBeTruthy()
    }
  })

  test('shows a short code that works once, however it is typed, with the verifier of the terminal that asked', async () => {
    const { verifier, allow } = await askForPaste()
    const page = await allow()
    const code = shown(page)
    expect(page.html).not.toContain('http://127.0.0.1:')
    expect(page.headers.get('content-security-policy')).not.toContain('connect-src')
    expect(await redeem(code, newVerifier())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const { status, body } = await redeem(code.toLowerCase().replace('-', ' '), verifier)
    expect(status).toBe(200)
    expect(decodeJwt(body.access_token)).toMatchObject({ sub: ada.uai, client_id: CLIENT })
    expect(body.refresh_token).toBeTruthy()
    expect((await redeem(code, verifier)).body.error).toBe('invalid_grant')
    const refresh = { grant_type: 'refresh_token', client_id: CLIENT, refresh_token: body.refresh_token }
    expect((await post(gateway, '/oauth/token', refresh)).body.error).toBe('invalid_grant')
  })

  test('shows the same code after a reload and none after it was used; the log has neither form', async () => {
    const { verifier, allow } = await askForPaste()
    const page = await allow()
    const code = shown(page)
    expect(shown(await ada.browser.visit(page.url))).toBe(code)
    const issued = new URL(page.url).searchParams.get('code') ?? ''
    const log = JSON.stringify(await eventsOf(gateway, 'authorization'))
    expect(log).toContain('AuthorizationCodeShown')
    for (const secret of [code, code.replace('-', ''), issued]) expect(log).not.toContain(secret)
    await redeem(code, verifier)
    const again = await ada.browser.visit(page.url)
    expect(again.status).toBe(400)
    expect(shown(again)).toBe('')
  })

  test('S11: shows nothing to another session, nor for a code that was granted for another address', async () => {
    const { allow } = await askForPaste()
    const page = await allow()
    const grace = await signIn(gateway)
    const stolen = await grace.browser.visit(page.url)
    expect(stolen.status).toBe(400)
    expect(shown(stolen)).toBe('')
    const nobody = await createBrowser(gateway).visit(page.url)
    expect(nobody.url).toContain('/auth/cli-login')
    const { allow: allowHere } = await askForPaste({ redirect_uri: 'http://127.0.0.1:8888/callback' })
    const code = new URL((await allowHere()).location ?? '').searchParams.get('code') ?? ''
    const page2 = await ada.browser.visit(`/auth/cli-callback?code=${code}`)
    expect(page2.status).toBe(400)
    expect(shown(page2)).toBe('')
  })

  test('outlives the code itself, and ends after five minutes', async () => {
    const { verifier, allow } = await askForPaste()
    const code = shown(await allow())
    const [event] = (await eventsOf(gateway, 'authorization'))
      .filter((one) => one.event_type === 'AuthorizationCodeShown')
      .slice(-1)
    const seconds = (new Date(String(event?.data.expiresAt)).getTime() - Date.now()) / 1000
    expect(seconds).toBeGreaterThan(280)
    expect(seconds).toBeLessThanOrEqual(300)
    expect((await redeem(code, verifier)).status).toBe(200)
  })

  test('ends with the session it was granted in', async () => {
    const person = await signIn(gateway)
    const { verifier, allow } = await askForPaste({}, person)
    const code = shown(await allow())
    const out = await person.browser.visit('/web/logout')
    await person.browser.submit(out, {}, '/web/logout')
    expect((await redeem(code, verifier)).body.error).toBe('invalid_grant')
  })

  test('20 at once redeem it once', async () => {
    const { verifier, allow } = await askForPaste()
    const code = shown(await allow())
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(code, verifier)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
  })

  test('429 after 20 guesses from one address', async () => {
    const ip = randomIp()
    const letters = 'BCDFGHJKLMNPQRSTVWXZ'
    const answers = []
    for (const letter of letters) answers.push((await redeem(`BCDFG-HJKL${letter}`, newVerifier(), {}, ip)).status)
    expect(new Set(answers)).toEqual(new Set([400]))
    expect((await redeem('BCDFG-HJKBB', newVerifier(), {}, ip)).status).toBe(429)
  })

  test('hands the answer to the listener that the state names, and to no other address', async () => {
    const { allow } = await askForPaste({ state: 'abc.8123' })
    const page = await allow()
    const code = new URL(page.url).searchParams.get('code') ?? ''
    expect(page.html).toContain(`data-to="http://127.0.0.1:8123/callback?code=${code}&amp;state=abc.8123`)
    expect(page.headers.get('content-security-policy')).toContain('connect-src http://127.0.0.1:8123')
    for (const state of ['abc.80', 'abc.70000', 'abc.8123.evil.example', 'abc@evil.example', '.8123/../x']) {
      const { allow: other } = await askForPaste({ state })
      expect((await other()).html).not.toContain('data-to')
    }
  })

  test('says that the person denied, and notifies the listener', async () => {
    const { consent } = await askForPaste({ state: 'abc.8123' })
    const page = await ada.browser.submit(consent, { decision: 'deny' }, '/oauth/consent')
    expect(page.status).toBe(400)
    expect(page.html).toContain('access was denied')
    expect(page.html).toContain('data-to="http://127.0.0.1:8123/callback?state=abc.8123')
  })

  test('is for our own native clients alone', async () => {
    for (const client_id of ['dashboard-web', 'claude-desktop', 'partner-sandbox']) {
      const { consent } = await askForPaste({ client_id })
      const [client] =
        await gateway.sql`select first_party, metadata->>'application_type' as kind from auth_gateway.api_clients where client_id = ${client_id}`
      expect([client_id, consent.status]).toEqual([
        client_id,
        client?.first_party && client.kind === 'native' ? 200 : 400,
      ])
    }
  })
})

describe('/auth/cli-login without a way back', () => {
  test('signs in, and gives a token to paste that works like one of the CLI and cannot be refreshed', async () => {
    const email = newEmail()
    const browser = createBrowser(gateway)
    const welcome = await passSignIn(gateway, browser, await browser.visit('/auth/cli-login'), email)
    expect(welcome.url).toContain('/auth/cli-login')
    expect(welcome.html).toContain(email)
    const page = await browser.submit(welcome, {}, '/auth/cli-login/token')
    const [, token = ''] = /value="([\w-]+\.[\w-]+\.[\w-]+)"/.exec(page.html) ?? []
    expect(page.headers.get('cache-control')).toBe('no-store')
    const claims = decodeJwt(token)
    expect(claims).toMatchObject({ client_id: CLIENT, email, scope: 'read write offline_access' })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(86_400)
    const { body } = await postJson(gateway, '/v1/auth/verify', {}, { authorization: `Bearer ${token}` })
    expect(body).toMatchObject({ valid: true, email })
    const [family] = await gateway.sql`
      select refresh_hash, offline, expires_at - started_at as life from auth_gateway.token_families where uai = ${String(claims.sub)}`
    expect(family).toMatchObject({ refresh_hash: null, offline: true })
    expect((await post(gateway, '/oauth/revoke', { token, client_id: CLIENT })).body).toEqual({ revoked: true })
    expect((await postJson(gateway, '/v1/auth/verify-token', { token })).body).toMatchObject({ valid: false })
  })

  test('403 for the token without the form, and a way to sign in without a session', async () => {
    const page = await ada.browser.visit('/auth/cli-login/token', { method: 'POST', body: new URLSearchParams({}) })
    expect(page.status).toBe(403)
    const stranger = createBrowser(gateway)
    const asked = await stranger.visit('/auth/cli-login/token', {
      method: 'POST',
      body: new URLSearchParams({ csrf: 'x' }),
    })
    expect(asked.url).toContain('/auth/cli-login')
  })

  test('redirects at once to our own redirect_url and return_to, and nowhere else', async () => {
    for (const name of ['return_to', 'redirect_url'])
      expect((await ada.browser.visit(`/auth/cli-login?platform=cli&${name}=/account/api-keys`)).url).toContain(
        '/account/api-keys',
      )
    const page = await ada.browser.visit('/auth/cli-login?return_to=https://evil.example/')
    expect(page.location).toBeUndefined()
    expect(page.html).toContain('Signed in for the command line')
  })
})

test('/.well-known/onasis.json says where everything is (docs/wire-contract.md 1.1)', async () => {
  const response = await fetch(`${gateway.url}/.well-known/onasis.json`)
  expect(await response.json()).toEqual({
    auth: {
      base: gateway.url,
      login: `${gateway.url}/auth/cli-login`,
      logout: `${gateway.url}/web/logout`,
      oauth: {
        authorize: `${gateway.url}/oauth/authorize`,
        token: `${gateway.url}/oauth/token`,
        revoke: `${gateway.url}/oauth/revoke`,
        device: `${gateway.url}/oauth/device`,
      },
    },
    endpoints: {
      http: 'https://api.lanonasis.com/api/v1',
      websocket: 'wss://mcp.lanonasis.com/ws',
      sse: 'https://mcp.lanonasis.com/api/v1/events',
    },
    capabilities: expect.arrayContaining(['oauth', 'device', 'mcp']),
  })
})
