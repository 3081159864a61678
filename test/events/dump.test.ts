import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients } from '../../scripts/clients.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { call } from '../scripts/terminal.ts'
import { IP_HEADER, newEmail, useGateway } from '../support/gateway.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  getTokens,
  newVerifier,
  passSignIn,
  post,
  postJson,
  signIn,
} from '../support/sign-in.ts'
import { createDumpableDatabase, type DumpableDatabase, formsOf } from './dump.ts'

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) DumpTest/77.42'
const SECRET_MEMBERS = [
  'access_token',
  'refresh_token',
  'id_token',
  'code',
  'client_secret',
  'lanonasis_session',
  'lanonasis_browser',
]

let database: DumpableDatabase
let dump: string
const secrets = new Map<string, string>()
const codes = new Set<string>()
const realFetch = globalThis.fetch

/** Remembers everything that must not rest in clear, as it goes over the wire in either direction. */
function remember(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') return
  // Six digits are looked for apart; the code of an error is in capitals.
  if (SECRET_MEMBERS.includes(name) && !/^(\d{6}|[A-Z_]+)$/.test(value)) secrets.set(value, name)
}

async function watchedFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('user-agent', USER_AGENT)
  const ip = headers.get(IP_HEADER)
  if (ip) secrets.set(ip, 'IP address')
  const response = await realFetch(input, { ...init, headers })
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    remember(name, value)
  }
  const location = response.headers.get('location')
  if (location) for (const [name, value] of new URL(location, gateway.url).searchParams) remember(name, value)
  const body = await response
    .clone()
    .json()
    .catch(() => ({}))
  for (const [name, value] of Object.entries(body ?? {})) remember(name, value)
  return response
}

/** People who sign in by e-mail code in a browser, mistype it, use apps and sign out. */
async function browserPeople(): Promise<void> {
  const person = await signIn(gateway, newEmail('Grace.Hopper'))
  await getTokens(gateway, person, { scope: 'openid profile email offline_access' })
  const third = {
    client_id: 'mcp-client',
    redirect_uri: 'http://127.0.0.1:3000/callback',
    scope: 'mcp:full memories:read',
  }
  const tokens = await getTokens(gateway, person, third)
  const refreshed = await post(gateway, '/oauth/token', {
    grant_type: 'refresh_token',
    client_id: third.client_id,
    refresh_token: tokens.refresh_token,
  })
  expect(refreshed.status).toBe(200)
  await post(gateway, '/oauth/introspect', { token: refreshed.body.access_token })
  await post(gateway, '/oauth/revoke', { token: refreshed.body.access_token, client_id: third.client_id })
  await post(gateway, '/oauth/revoke', { token: refreshed.body.refresh_token, client_id: third.client_id })
  await authorize(person.browser, authorizeParams(newVerifier(), { ...third, prompt: 'consent' }), 'deny')
  await person.browser.submit(await person.browser.visit('/web/logout'), {}, '/web/logout')

  const email = newEmail('mistyping')
  const browser = createBrowser(gateway)
  const codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  const wrong = gateway.inbox.codeFor(email) === '111111' ? '222222' : '111111'
  const again = await browser.submit(codePage, { code: wrong }, '/web/code')
  await browser.submit(again, { code: gateway.inbox.codeFor(email) }, '/web/code')
  expect(browser.cookies.has('lanonasis_session')).toBe(true)
}

/** A person at a command line, with a token that is verified, resolved, refreshed, replayed and ended. */
async function terminalPeople(): Promise<void> {
  const email = newEmail('cli')
  await postJson(gateway, '/v1/auth/otp/send', { email })
  const proof = { email: email.toUpperCase(), token: gateway.inbox.codeFor(email) }
  const { status, body } = await postJson(gateway, '/v1/auth/otp/verify', proof)
  expect(status).toBe(200)
  const bearer = { authorization: `Bearer ${body.access_token}` }
  for (const path of ['/v1/auth/me', '/v1/auth/sessions', '/v1/auth/resolve?client_id=dashboard-web'])
    await watchedFetch(`${gateway.url}${path}`, { headers: bearer })
  await postJson(gateway, '/v1/auth/verify', {}, bearer)
  const refresh = { grant_type: 'refresh_token', client_id: 'lanonasis-cli', refresh_token: body.refresh_token }
  const first = await postJson(gateway, '/oauth/token', refresh)
  await postJson(gateway, '/oauth/token', { ...refresh, refresh_token: first.body.refresh_token })
  expect((await postJson(gateway, '/oauth/token', refresh)).status).toBe(400)
  await postJson(gateway, '/v1/auth/logout', {}, bearer)

  gateway.inbox.fail({ status: 500 })
  expect((await postJson(gateway, '/v1/auth/otp/send', { email: newEmail('unlucky') })).status).toBe(503)
  gateway.inbox.recover()
}

/** A confidential application that an operator added. */
async function application(): Promise<void> {
  const redirect_uri = 'https://app.example/callback'
  const flags = [
    '--client-id',
    'dumped-app',
    '--name',
    'App',
    '--redirect-uri',
    redirect_uri,
    '--scope',
    'openid email',
  ]
  const env = { ...process.env, DATABASE_MIGRATION_URL: database.ownerUrl }
  const added = await call(clients, env, 'add', ...flags, '--first-party', '--json')
  const { client_id, client_secret } = JSON.parse(added.out)
  secrets.set(client_secret, 'client secret')
  const person = createBrowser(gateway)
  const email = newEmail('app')
  const verifier = newVerifier()
  secrets.set(verifier, 'code verifier')
  const request = authorizeParams(verifier, { client_id, redirect_uri, scope: 'openid email' })
  const signInPage = await person.visit(`/oauth/authorize?${new URLSearchParams(request)}`)
  const end = await passSignIn(gateway, person, signInPage, email)
  const code = new URL(end.location ?? '').searchParams.get('code') ?? ''
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64')
  const grant = { grant_type: 'authorization_code', redirect_uri, code, code_verifier: verifier }
  expect((await post(gateway, '/oauth/token', grant, { authorization: `Basic ${basic}` })).status).toBe(200)
}

beforeAll(async () => {
  database = await createDumpableDatabase()
})
afterAll(() => database?.drop())
const gateway = useGateway(() => ({ database }))
beforeAll(async () => {
  globalThis.fetch = watchedFetch
  await browserPeople()
  await terminalPeople()
  await application()
  globalThis.fetch = realFetch
  for (const { to, code } of gateway.inbox.sent) {
    codes.add(code)
    for (const address of [to, to.toLowerCase(), to.split('@')[0] ?? to]) secrets.set(address, 'e-mail address')
  }
  secrets.set(USER_AGENT, 'user agent')
  secrets.set('DumpTest/77.42', 'user agent')
  for (const name of ['AUTH_MASTER_SECRET', 'OTP_WEBHOOK_SECRET']) secrets.set(process.env[name] ?? '', name)
  dump = await database.dump()
})
afterAll(async () => {
  globalThis.fetch = realFetch
})

describe('a dump of the database after a day of traffic', () => {
  test('holds the traffic', async () => {
    const types = [
      'OtpChallengeConsumed',
      'OtpAttemptFailed',
      'OtpDeliveryFailed',
      'IdentityCreated',
      'SessionEnded',
      'ConsentGranted',
      'AuthorizationDenied',
      'AuthorizationCodeRedeemed',
      'RefreshTokenRotated',
      'RefreshTokenReplayed',
      'AccessTokenRevoked',
      'TokenFamilyRevoked',
      'SigningKeyCreated',
    ]
    expect(types.filter((type) => !dump.includes(`\t${type}\t`) && !dump.includes(`,${type},`))).toEqual([])
    for (const table of ['event_secrets', 'lookup_digests', 'subject_keys', 'rate_limits', 'sessions', 'stream_heads'])
      expect(dump).toMatch(new RegExp(`^COPY auth_gateway\\.${table} .*FROM stdin;\\n[^\\\\\\n]`, 'm'))
    expect([...new Set(secrets.values())].sort()).toEqual([
      'AUTH_MASTER_SECRET',
      'IP address',
      'OTP_WEBHOOK_SECRET',
      'access_token',
      'client secret',
      'code',
      'code verifier',
      'e-mail address',
      'id_token',
      'lanonasis_browser',
      'lanonasis_session',
      'refresh_token',
      'user agent',
    ])
    expect(codes.size).toBeGreaterThanOrEqual(4)
  })

  test('holds no address, token, code, handle, secret or user agent: not in clear, not as hex, not as base64', () => {
    const found = [...secrets].flatMap(([secret, kind]) =>
      formsOf(secret)
        .filter((form) => dump.includes(form))
        .map((form) => `${kind}: ${form}`),
    )
    expect(found).toEqual([])
  })

  test('holds no one-time code', () => {
    const found = [...codes].filter((code) => new RegExp(`(?<![0-9A-Za-z.+/-])${code}(?![0-9A-Za-z+/=])`).test(dump))
    expect(found).toEqual([])
  })

  test('holds nothing that looks like an e-mail address, a token of ours or a private key', () => {
    const data = dump.replace(/^(--|CREATE|ALTER|COMMENT|GRANT|REVOKE).*$/gm, '')
    expect(data.match(/(?<![\w.+-])[\w.+-]+@[\w-]+\.[a-z]{2,}/gi)).toBeNull()
    expect(data.match(/\bey[\w-]{10,}\.ey[\w-]{10,}\./g)).toBeNull()
    expect(data.match(/secret_[0-9a-f]{64}|BEGIN [A-Z ]*PRIVATE KEY|"d": ?"/g)).toBeNull()
  })
})

test('the search finds what lies in clear, as hex or inside base64', () => {
  const secret = 'ada@example.com'
  for (const prefix of ['', 'x', 'xy', 'xyz']) {
    const text = `${prefix}${secret}, more`
    for (const encoding of ['utf8', 'hex', 'base64'] as const)
      expect(formsOf(secret).some((form) => Buffer.from(text).toString(encoding).includes(form))).toBe(true)
  }
})

test('the traffic left chains that verify', async () => {
  expect(await verifyEvents(gateway.sql)).toMatchObject({ ok: true, faults: [] })
})
