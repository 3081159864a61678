import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, newEmail, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  formsOf,
  getTokens,
  NATIVE,
  newVerifier,
  passSignIn,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const gateway = useGateway()
let person: SignedInBrowser
const web = { client_id: 'conformance-web', redirect_uri: 'https://app.example/callback?kept=1' }

beforeAll(async () => {
  await addClient(gateway, web.client_id, { redirect_uris: [web.redirect_uri] })
  person = await signIn(gateway)
})

const params = (changes: Record<string, string | undefined> = {}) => authorizeParams(newVerifier(), changes)
const visit = (query: Record<string, string> | string[][]) =>
  person.browser.visit(`/oauth/authorize?${new URLSearchParams(query)}`)
const answer = async (changes: Record<string, string | undefined>) => {
  const page = await visit(params(changes))
  if (!page.location) throw new Error(`no redirect: ${page.status}`)
  return new URL(page.location).searchParams
}

test('A1 GET and POST both work, and POST is answered by 303', async () => {
  const asked = { ...params({ prompt: 'none' }) }
  expect((await visit(asked)).location).toContain('error=consent_required')
  const posted = await person.browser.visit('/oauth/authorize', { method: 'POST', body: new URLSearchParams(asked) })
  expect(posted).toMatchObject({ status: 303, location: expect.stringContaining('error=consent_required') })
})

test.each(['GET', 'OPTIONS'])('A2 no CORS headers at the authorization endpoint (%s)', async (method) => {
  const headers = { origin: 'https://dashboard.lanonasis.com', 'access-control-request-method': 'GET' }
  const response = await fetch(`${gateway.url}/oauth/authorize`, { method, headers })
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
})

test('A3 unknown parameters are ignored', async () => {
  expect((await visit(params({ vendor_hint: 'x', provider: 'google' }))).status).toBe(200)
})

test.each(['scope', 'state', 'nonce', 'response_type', 'code_challenge'])(
  'A4 %s given twice is invalid_request',
  async (name) => {
    const page = await visit([...Object.entries(params({ nonce: 'n' })), [name, 'x']])
    expect(new URL(page.location ?? '').searchParams.get('error')).toBe('invalid_request')
  },
)

test.each(['client_id', 'redirect_uri'])('A4 A7 %s given twice is an error page', async (name) => {
  const page = await visit([...Object.entries(params()), [name, NATIVE.client_id]])
  expect(page).toMatchObject({ status: 400, location: undefined })
})

test('A5 an empty parameter counts as left out', async () => {
  expect((await visit(params({ max_age: '', request: '', response_mode: '', scope: '' }))).status).toBe(200)
  expect((await answer({ code_challenge: '' })).get('error')).toBe('invalid_request')
})

test.each([
  ['trailing slash', 'http://127.0.0.1:4000/auth-tester/'],
  ['other case', 'http://127.0.0.1:4000/Auth-Tester'],
  ['added query', 'http://127.0.0.1:4000/auth-tester?x=1'],
  ['fragment', 'http://127.0.0.1:4000/auth-tester#x'],
  ['dot segments', 'http://127.0.0.1:4000/x/../auth-tester'],
  ['encoded path', 'http://127.0.0.1:4000/%61uth-tester'],
  ['userinfo', 'http://127.0.0.1:4000@evil.example/auth-tester'],
  ['other host', 'https://evil.example/auth-tester'],
  ['suffix host', 'http://127.0.0.1.evil.example:4000/auth-tester'],
  ['port trick', 'http://127.0.0.1:4000:80/auth-tester'],
  ['javascript', 'javascript:alert(1)'],
])('A6 A7 A8 C3 redirect URI with %s is an error page without a redirect', async (_, redirect_uri) => {
  const page = await visit(params({ redirect_uri }))
  expect(page).toMatchObject({ status: 400, location: undefined })
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.html).not.toContain(redirect_uri)
})

test('A6 a redirect URI that parsers read differently is refused although it was registered before', async () => {
  const redirect_uri = 'https://dashboard.lanonasis.com\\@evil.test/cb'
  await addClient(gateway, 'from-before', { token_endpoint_auth_method: 'none', redirect_uris: [redirect_uri] })
  const page = await visit(params({ client_id: 'from-before', redirect_uri, scope: undefined }))
  expect(page).toMatchObject({ status: 400, location: undefined })
})

test('A6 the registered query is kept and the response is appended', async () => {
  const page = await visit(params({ ...web, prompt: 'none', scope: 'memories:read' }))
  expect(page.location).toMatch(/^https:\/\/app\.example\/callback\?kept=1&error=consent_required&/)
})

test.each([
  ['missing client', { client_id: undefined }],
  ['unknown client', { client_id: 'nobody' }],
  ['missing redirect', { redirect_uri: undefined }],
])('A7 %s is an error page with 400', async (_, changes) => {
  expect(await visit(params(changes))).toMatchObject({ status: 400, location: undefined })
})

test.each([
  ['A9 no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['A10 plain', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['A10 no method', { code_challenge_method: undefined }, 'invalid_request'],
  ['A10 short challenge', { code_challenge: 'x'.repeat(42) }, 'invalid_request'],
  ['A10 padded challenge', { code_challenge: `${'x'.repeat(42)}=` }, 'invalid_request'],
  ['A34 implicit', { response_type: 'token' }, 'unsupported_response_type'],
  ['A34 hybrid', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ['A7 no response type', { response_type: undefined }, 'invalid_request'],
  ['A28 only unknown scopes', { scope: 'nonsense' }, 'invalid_scope'],
  ['H1 unknown resource', { resource: 'https://evil.example' }, 'invalid_target'],
  ['H1 relative resource', { resource: '/memories' }, 'invalid_target'],
  ['H1 resource with fragment', { resource: 'https://api.lanonasis.com#x' }, 'invalid_target'],
  ['P2 none with login', { prompt: 'none login' }, 'invalid_request'],
  ['P4 request', { request: 'e30.e30.' }, 'request_not_supported'],
  ['P4 request_uri', { request_uri: 'https://app.example/r' }, 'request_uri_not_supported'],
])('%s is returned by redirect with state and iss (A7 A17 I1)', async (_, changes, error) => {
  const state = 'a+b/c=%20&"é'
  const parameters = await answer({ ...changes, state })
  expect(Object.fromEntries(parameters)).toMatchObject({ error, state, iss: gateway.url })
  expect(parameters.get('error_description')).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
})

test('A9 P7 a confidential client that is exempt may leave PKCE out; a public one never', async () => {
  const redirect_uris = ['https://legacy.example/cb']
  await addClient(gateway, 'legacy', { require_pkce: false, redirect_uris })
  await addClient(gateway, 'legacy-public', { require_pkce: false, token_endpoint_auth_method: 'none', redirect_uris })
  const none = {
    redirect_uri: redirect_uris[0],
    code_challenge: undefined,
    code_challenge_method: undefined,
    scope: undefined,
  }
  expect((await visit(params({ ...none, client_id: 'legacy' }))).status).toBe(200)
  const refused = await visit(params({ ...none, client_id: 'legacy-public' }))
  expect([refused.status, refused.html.includes('error=invalid_request')]).toEqual([400, true])
})

test('A28 A27 no scope means the default scope, which the answer names', async () => {
  const tokens = await getTokens(gateway, person, { scope: undefined })
  expect(tokens.scope).toBe('openid profile email')
})

test('A28 a blank scope counts as none', async () => {
  expect((await getTokens(gateway, person, { scope: '  ' })).scope).toBe('openid profile email')
})

test('A28 an unknown scope next to a known one is dropped', async () => {
  expect((await getTokens(gateway, person, { scope: 'openid nonsense' })).scope).toBe('openid')
})

const PAGES = ['/oauth/authorize', '/web/login', '/web/logout', '/oauth/logout', '/auth/cli-login', '/nowhere']
test.each(PAGES)('A37 A38 %s is not framed, sends no referrer and loads no third party', async (path) => {
  const { headers, html } = await person.browser.visit(path)
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  expect(headers.get('cache-control')).toContain('no-store')
  expect(html).not.toMatch(/<(script|img|link|iframe)[^>]+(src|href)="https?:/)
})

test('A39 the consent page names client, redirect host, account, scopes and resource', async () => {
  const { html } = await visit(params({ ...web, scope: 'memories:read', resource: 'https://mcp.lanonasis.com/mcp' }))
  for (const shown of ['conformance-web', 'app.example', person.email, 'memories:read', 'LanOnasis MCP'])
    expect(html).toContain(shown)
})

describe('A40 the consent form', () => {
  const open = async () => visit(params({ scope: 'openid' }))

  test('is refused with 403 without its token, and from another session', async () => {
    const page = await open()
    const forged = await person.browser.submit(page, { decision: 'allow', csrf: 'x'.repeat(43) }, '/oauth/consent')
    expect(forged).toMatchObject({ status: 403, location: undefined })
    const other = await signIn(gateway)
    const [form] = formsOf(page).filter(({ action }) => action === '/oauth/consent')
    const body = new URLSearchParams({ ...form?.fields, decision: 'allow' })
    expect((await other.browser.visit('/oauth/consent', { method: 'POST', body })).status).toBe(403)
  })

  test('reads the request back and ignores what the form says of it', async () => {
    const page = await open()
    const extra = { redirect_uri: 'https://evil.example', scope: 'memories:write', client_id: 'lanonasis-cli' }
    const done = await person.browser.submit(page, { ...extra, decision: 'allow' }, '/oauth/consent')
    expect(done.location).toMatch(/^http:\/\/127\.0\.0\.1:4000\/auth-tester\?code=/)
  })

  test('counts once', async () => {
    const page = await open()
    await person.browser.submit(page, { decision: 'deny' }, '/oauth/consent')
    expect((await person.browser.submit(page, { decision: 'allow' }, '/oauth/consent')).status).toBe(403)
  })
})

test('A41 a public loopback client is asked about every time; a confidential one is remembered', async () => {
  await authorize(person.browser, params())
  expect((await visit(params())).status).toBe(200)
  const confidential = params({ ...web, scope: 'memories:read' })
  await authorize(person.browser, confidential)
  expect((await visit(confidential)).location).toContain('code=')
  expect((await visit({ ...confidential, scope: 'memories:read email' })).location).toBeUndefined()
  expect((await visit({ ...confidential, prompt: 'consent' })).location).toBeUndefined()
})

test.each(['http://127.0.0.1:61234/auth-tester', 'http://localhost:50001/auth-tester', 'http://127.0.0.1/auth-tester'])(
  'C1 C2 loopback takes any port: %s',
  async (redirect_uri) => {
    expect((await visit(params({ redirect_uri }))).status).toBe(200)
  },
)

test.each([
  'http://0.0.0.0:4000/auth-tester',
  'http://127.0.0.2:4000/auth-tester',
  'http://127.1:4000/auth-tester',
  'http://2130706433:4000/auth-tester',
  'http://[::ffff:127.0.0.1]:4000/auth-tester',
  'https://127.0.0.1:4000/auth-tester',
  'http://localhost.:4000/auth-tester',
])('C3 A43 %s is not the loopback address', async (redirect_uri) => {
  expect(await visit(params({ redirect_uri }))).toMatchObject({ status: 400, location: undefined })
})

test('C2 localhost is not 127.0.0.1', async () => {
  await addClient(gateway, 'only-ip', { token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/cb'] })
  const asked = { client_id: 'only-ip', scope: undefined }
  expect((await visit(params({ ...asked, redirect_uri: 'http://127.0.0.1:9/cb' }))).status).toBe(200)
  expect((await visit(params({ ...asked, redirect_uri: 'http://localhost:9/cb' }))).status).toBe(400)
})

test('H2 a trailing slash or default port is the same resource, and aud has the registered form', async () => {
  const tokens = await getTokens(gateway, person, { resource: 'HTTPS://API.lanonasis.com:443/' })
  const { body } = await post(gateway, '/oauth/introspect', { token: tokens.access_token })
  expect([body.aud].flat()).toContain('https://api.lanonasis.com')
})

test('H3 the default resource applies without one; a third party never gets the gateway itself', async () => {
  const third = { ...(await addClient(gateway, 'third', { token_endpoint_auth_method: 'none' })) }
  const tokens = await getTokens(gateway, person, { ...third, client_secret: undefined, scope: 'memories:read' })
  const { body } = await post(gateway, '/oauth/introspect', { token: tokens.access_token })
  expect(body.aud).toBe('https://api.lanonasis.com')
})

describe('P2 P3 prompt and max_age', () => {
  test('none without a session is login_required', async () => {
    const page = await createBrowser(gateway).visit(
      `/oauth/authorize?${new URLSearchParams(params({ prompt: 'none' }))}`,
    )
    expect(page.location).toContain('error=login_required')
  })

  test.each([{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '0' }])(
    '%o asks for a new sign-in, once',
    async (asked) => {
      const one = await signIn(gateway)
      const before = one.browser.cookies.get('lanonasis_session')
      const page = await one.browser.visit(`/oauth/authorize?${new URLSearchParams(params(asked))}`)
      expect(page.url).toContain('/web/login')
      await openLimits(gateway)
      const consent = await passSignIn(gateway, one.browser, page, one.email)
      expect(consent.url).toContain('/oauth/authorize')
      expect(consent.status).toBe(200)
      expect(one.browser.cookies.get('lanonasis_session')).not.toBe(before)
    },
  )

  test('a negative or worded max_age is invalid_request', async () => {
    for (const max_age of ['-1', 'soon']) expect((await answer({ max_age })).get('error')).toBe('invalid_request')
  })

  test('a hint of another person with prompt=none is login_required; one’s own continues', async () => {
    const mine = await getTokens(gateway, person)
    const theirs = await getTokens(gateway, await signIn(gateway, newEmail('eve')))
    const hinted = (id_token_hint = '') => answer({ prompt: 'none', id_token_hint })
    expect((await hinted(theirs.id_token)).get('error')).toBe('login_required')
    expect((await hinted(mine.id_token)).get('error')).toBe('consent_required')
  })

  test('login_hint, ui_locales, acr_values, display and an unknown prompt are tolerated', async () => {
    const hints = { login_hint: 'a@b.c', ui_locales: 'en', acr_values: '1', display: 'page', prompt: 'create' }
    expect((await visit(params(hints))).status).toBe(200)
  })
})
