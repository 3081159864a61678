import { beforeAll, describe, expect, test } from 'vitest'
import { addClient, useGateway } from '../support/gateway.ts'
import {
  authorize,
  authorizeParams,
  createBrowser,
  formsOf,
  newVerifier,
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

describe('A7 an error before the person did anything', () => {
  const redirects = {
    https: 'https://stranger.example/cb?kept=1',
    loopback: 'http://127.0.0.1:8765/cb',
    app: 'com.stranger.app:/cb',
  }
  const redirect_uris = Object.values(redirects)
  const wrong = { state: 'a&b', scope: 'nope' }
  const open = (client_id: string, changes: Record<string, string | undefined>, browser = createBrowser(gateway)) =>
    browser.visit(`/oauth/authorize?${new URLSearchParams(params({ client_id, ...wrong, ...changes }))}`)
  beforeAll(async () => {
    const metadata = { token_endpoint_auth_method: 'none' as const, redirect_uris }
    await addClient(gateway, 'unknown-to-people', metadata)
    await addClient(gateway, 'of-ours', metadata, true)
  })

  test.each([
    ['https', 'stranger.example'],
    ['loopback', '127.0.0.1:8765'],
    ['app', 'com.stranger.app:'],
  ] as const)('is a page that names the host and goes on at a button: %s', async (kind, host) => {
    const redirect_uri = redirects[kind]
    for (const browser of [createBrowser(gateway), person.browser]) {
      const page = await open('unknown-to-people', { redirect_uri }, browser)
      expect(page).toMatchObject({ status: 400, location: undefined })
      expect(page.html).toContain(`wants you back at ${host}.`)
      const href = page.html.match(/<a class="button primary" href="([^"]+)"/)?.[1]?.replaceAll('&amp;', '&') ?? ''
      expect(href.startsWith(`${redirect_uri}${redirect_uri.includes('?') ? '&' : '?'}error=invalid_scope&`)).toBe(true)
      const parameters = new URL(href).searchParams
      expect([parameters.get('state'), parameters.get('iss')]).toEqual(['a&b', gateway.url])
    }
  })

  test.each([
    ['invalid_request', { code_challenge: undefined }],
    ['unsupported_response_type', { response_type: 'token' }],
    ['invalid_target', { resource: 'https://evil.example' }],
    ['request_not_supported', { request: 'x' }],
    ['unmet_authentication_requirements', { claims: '{"id_token":{"acr":{"essential":true,"value":"gold"}}}' }],
  ])('is a page for every error: %s', async (error, changes) => {
    const asked = { scope: undefined, redirect_uri: redirects.https, ...changes }
    const page = await open('unknown-to-people', asked, person.browser)
    expect([page.status, page.location, page.html.includes(`error=${error}&`)]).toEqual([400, undefined, true])
  })

  test('is JSON for a program that takes no page', async () => {
    const query = new URLSearchParams(
      params({ client_id: 'unknown-to-people', ...wrong, redirect_uri: redirects.https }),
    )
    const response = await fetch(`${gateway.url}/oauth/authorize?${query}`, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
    })
    expect([response.status, (await response.json()).code]).toEqual([400, 'INVALID_SCOPE'])
  })

  test.each([
    ['https', 'login_required', true],
    ['loopback', 'login_required', true],
    ['app', 'login_required', false],
  ] as const)('of a silent request is answered where no app would open: %s', async (kind, error, answered) => {
    const asked = { redirect_uri: redirects[kind], prompt: 'none', scope: undefined }
    const page = await open('unknown-to-people', asked)
    expect(page.location?.includes(`error=${error}&`) ?? false).toBe(answered)
  })

  test.each([
    ['https', true],
    ['loopback', true],
    ['app', false],
  ] as const)('of an application of ours is answered where no app would open: %s', async (kind, answered) => {
    const page = await open('of-ours', { redirect_uri: redirects[kind] })
    expect(page.location?.includes('error=invalid_scope&') ?? false).toBe(answered)
  })

  test.each(['https', 'loopback', 'app'] as const)(
    'is answered for a person who allowed the client: %s',
    async (kind) => {
      const one = await signIn(gateway)
      const asked = { client_id: 'unknown-to-people', redirect_uri: redirects[kind], scope: undefined }
      expect((await authorize(one.browser, params(asked))).get('code')).toBeTruthy()
      const again = await open('unknown-to-people', { redirect_uri: redirects[kind] }, one.browser)
      expect(again.location).toContain('error=invalid_scope&')
      const other = await open('unknown-to-people', { redirect_uri: redirects[kind] }, person.browser)
      expect(other.location).toBeUndefined()
    },
  )

  test.each(['https', 'loopback', 'app'] as const)('a refusal of the person is answered: %s', async (kind) => {
    const asked = { client_id: 'unknown-to-people', redirect_uri: redirects[kind], scope: undefined }
    const parameters = await authorize((await signIn(gateway)).browser, params(asked), 'deny')
    expect(parameters.get('error')).toBe('access_denied')
  })
})

describe('F4 response_mode form_post', () => {
  const https = 'https://forms.example/cb?kept=1'
  const loopback = 'http://localhost:8765/cb'
  const app = 'com.forms.app:/cb'
  const posted = { response_mode: 'form_post', scope: undefined, state: 'a"&<b' }
  /** A person who has allowed nothing yet asks. */
  const open = async (changes: Record<string, string | undefined>) => {
    const { browser } = await signIn(gateway)
    const query = new URLSearchParams(params({ ...posted, ...changes }))
    return { browser, consent: await browser.visit(`/oauth/authorize?${query}`) }
  }
  beforeAll(async () => {
    const redirect_uris = [https, loopback, app]
    await addClient(gateway, 'forms-confidential', { redirect_uris })
    await addClient(gateway, 'forms-browser', { redirect_uris, token_endpoint_auth_method: 'none' })
    await addClient(gateway, 'forms-native', {
      redirect_uris,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    })
  })

  test.each([
    ['forms-confidential', https],
    ['forms-confidential', loopback],
    ['forms-browser', https],
    ['forms-browser', loopback],
  ])('%s gets its answer at %s from a page that may post there alone', async (client_id, redirect_uri) => {
    const { browser, consent } = await open({ client_id, redirect_uri })
    const page = await browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
    expect([page.status, page.location]).toEqual([200, undefined])
    const [form] = formsOf(page)
    expect(form).toMatchObject({ action: redirect_uri, method: 'POST' })
    expect(form?.fields).toEqual({
      code: expect.stringMatching(/^[\w-]{64}$/),
      state: 'a"&<b',
      iss: gateway.url,
    })
    const policy = page.headers.get('content-security-policy') ?? ''
    const nonce = /<script nonce="([^"]+)">/.exec(page.html)?.[1]
    const target = redirect_uri === https ? 'https:' : 'http://localhost:8765 https:'
    expect(policy).toContain(`script-src 'nonce-${nonce}';`)
    expect(policy).toContain(`form-action 'self' ${target};`)
    expect(page.headers.get('cache-control')).toContain('no-store')
    expect(page.html).toContain(`Continue to ${new URL(redirect_uri).host}`)
  })

  test('a refusal of the person and a silent answer are posted too', async () => {
    const asked = { client_id: 'forms-browser', redirect_uri: https }
    const { browser, consent } = await open(asked)
    const denied = await browser.submit(consent, { decision: 'deny' }, '/oauth/consent')
    expect(formsOf(denied)[0]?.fields.error).toBe('access_denied')
    const silent = await createBrowser(gateway).visit(
      `/oauth/authorize?${new URLSearchParams(params({ ...posted, ...asked, prompt: 'none' }))}`,
    )
    expect([silent.status, formsOf(silent)[0]?.fields.error]).toEqual([200, 'login_required'])
  })

  test('an error before the person did anything waits for a button that posts', async () => {
    const { consent: page } = await open({ client_id: 'forms-browser', redirect_uri: loopback, scope: 'nope' })
    expect(page).toMatchObject({ status: 400, location: undefined })
    expect(formsOf(page)[0]).toMatchObject({
      action: loopback,
      fields: { error: 'invalid_scope', state: 'a"&<b', iss: gateway.url },
    })
    expect(page.html).not.toContain('<script')
  })

  test.each([
    ['forms-confidential', app, 'form_post'],
    ['forms-native', https, 'form_post'],
    ['forms-native', loopback, 'form_post'],
    ['forms-confidential', https, 'fragment'],
    ['forms-native', app, 'fragment'],
    ['forms-browser', https, 'query.jwt'],
  ])('is not offered: %s at %s with %s', async (client_id, redirect_uri, response_mode) => {
    const { consent: page } = await open({ client_id, redirect_uri, response_mode })
    expect([page.status, page.location, page.html.includes('error=invalid_request&')]).toEqual([400, undefined, true])
  })

  test.each([
    ['forms-browser', https],
    ['forms-browser', loopback],
    ['forms-native', loopback],
  ])('fragment: a script in the page reads the answer of %s at %s', async (client_id, redirect_uri) => {
    const { browser, consent } = await open({ client_id, redirect_uri, response_mode: 'fragment' })
    const { location = '' } = await browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
    const [address, answer] = location.split('#')
    expect(address).toBe(redirect_uri)
    expect([...new URLSearchParams(answer).keys()]).toEqual(['code', 'state', 'iss'])
  })

  test('metadata lists what works', async () => {
    const metadata = await (await fetch(`${gateway.url}/.well-known/openid-configuration`)).json()
    expect(metadata.response_modes_supported).toEqual(['query', 'fragment', 'form_post'])
  })
})

test('A17 A18 I1 a granted request has code, state byte for byte and iss, by 303', async () => {
  const state = 'a+b/c=%20&"é'
  const consent = await visit(params({ state }))
  const page = await person.browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
  expect(page.status).toBe(303)
  const parameters = new URL(page.location ?? '').searchParams
  expect([...parameters.keys()]).toEqual(['code', 'state', 'iss'])
  expect(parameters.get('state')).toBe(state)
  expect(parameters.get('iss')).toBe(gateway.url)
  expect(parameters.get('code')).toMatch(/^[\w-]{64}$/)
})

test('A17 an error carries no state when none was sent', async () => {
  expect((await answer({ state: undefined, prompt: 'none' })).has('state')).toBe(false)
})
