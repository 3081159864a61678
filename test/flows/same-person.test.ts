import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { api } from '../support/api-keys.ts'
import { connect } from '../support/connections.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { startUpstream, UPSTREAM_CLIENT, type Upstream } from '../support/oidc-upstream.ts'
import { openLimits } from '../support/rows.ts'
import { createSamlProvider } from '../support/saml-provider.ts'
import { createBrowser, getTokens, passSignIn, post, postJson, signIn, type TestBrowser } from '../support/sign-in.ts'

const KEY = 'sb_publishable_test'
const PASSWORD = 'correct horse battery'
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

let upstream: Upstream
let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
let saml: ReturnType<typeof createSamlProvider>
beforeAll(async () => {
  supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({ env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: KEY, SMS_COUNTRIES: 'CH' } }))
beforeAll(async () => {
  upstream = await startUpstream([`${gateway.url}/v1/auth/oauth/callback/acme`])
  const { client_id, client_secret } = UPSTREAM_CLIENT
  await connect(gateway, { slug: 'acme', name: 'Acme', issuer: upstream.issuer, client_id }, client_secret)
  saml = createSamlProvider('https://idp.example', gateway.url, 'globex')
  await connect(gateway, { slug: 'globex', name: 'Globex', protocol: 'saml', saml: saml.settings })
})
afterAll(async () => {
  saml?.remove()
  await upstream?.stop()
})

const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '')).id

async function samlAnswer(browser: TestBrowser, start: string, account: { id: string; email: string }) {
  const { location = '' } = await browser.visit(start)
  const { searchParams } = new URL(location)
  const xml = inflateRawSync(Buffer.from(searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
  const SAMLResponse = await saml.answer(/ID="([^"]+)"/.exec(xml)?.[1] ?? '', account)
  const body = new URLSearchParams({ SAMLResponse, RelayState: searchParams.get('RelayState') ?? '' })
  return browser.visit('/v1/auth/saml/globex/acs', { method: 'POST', body })
}

async function connectAt(browser: TestBrowser, slug: string): Promise<string> {
  const { html } = await browser.visit('/account/sign-in')
  const href = new RegExp(`href="([^"]*provider=${slug}&amp;purpose=link[^"]*)"`).exec(html)?.[1] ?? ''
  return href.replaceAll('&amp;', '&')
}

/** What one of our services gets about a token. */
const heard = async (token: string): Promise<string> =>
  (await api(gateway, 'GET', '/v1/auth/resolve', { token })).body.authId

test('the same person is one UAI through every door', async () => {
  const ada = await signIn(gateway)
  const doors: Record<string, () => Promise<string>> = {
    async 'a code by e-mail, again'() {
      return (await signIn(gateway, ada.email)).uai
    },
    async 'a code by e-mail, at a terminal'() {
      await postJson(gateway, '/v1/auth/otp/send', { email: ada.email.toUpperCase() })
      const token = gateway.inbox.codeFor(ada.email)
      const { body } = await postJson(gateway, '/v1/auth/otp/verify', { email: ada.email, token, platform: 'cli' })
      return heard(body.access_token)
    },
    async 'a code by text message'() {
      const phone = '+41781234567'
      const asked = await ada.browser.submit(await ada.browser.visit('/account/phone'), { phone }, '/account/phone')
      await ada.browser.submit(asked, { code: gateway.inbox.codeFor(phone) }, '/account/phone/code')
      await openLimits(gateway)
      await postJson(gateway, '/v1/auth/otp/send', { phone })
      const token = gateway.inbox.codeFor(phone)
      return (await postJson(gateway, '/v1/auth/otp/verify', { phone, token })).body.user.id
    },
    async 'an application (OAuth)'() {
      return heard((await getTokens(gateway, ada)).access_token)
    },
    async 'an application of a third party (OAuth)'() {
      const { client_id, redirect_uri } = await addClient(gateway, 'notes', { token_endpoint_auth_method: 'none' })
      return heard((await getTokens(gateway, ada, { client_id, redirect_uri, scope: 'openid' })).access_token)
    },
    async 'an API key'() {
      const { access_token: token } = await getTokens(gateway, ada, {
        client_id: 'lanonasis-cli',
        redirect_uri: 'http://localhost:8080/callback',
        scope: undefined,
      })
      const { body } = await api(gateway, 'POST', '/v1/auth/api-keys', { token, body: { name: 'Laptop' } })
      return (await api(gateway, 'POST', '/v1/auth/verify-api-key', { key: body.data.key, body: {} })).body.userId
    },
    async 'a terminal without a browser (CLI)'() {
      const page = await ada.browser.submit(await ada.browser.visit('/auth/cli-login'), {}, '/auth/cli-login/token')
      return heard(/value="(eyJ[^"]+)"/.exec(page.html)?.[1] ?? '')
    },
    async 'a device'() {
      const client_id = 'lanonasis-mcp-cli'
      const { body } = await post(gateway, '/oauth/device', { client_id, scope: 'memories:read' })
      const page = await ada.browser.visit(body.verification_uri_complete)
      await ada.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
      const asked = { grant_type: DEVICE_CODE, device_code: body.device_code, client_id }
      return heard((await post(gateway, '/oauth/token', asked)).body.access_token)
    },
    async 'a password (Supabase)'() {
      supabase.add({ email: ada.email, password: PASSWORD })
      return (await postJson(gateway, '/v1/auth/login', { email: ada.email, password: PASSWORD })).body.user.id
    },
    async 'a token of Supabase'() {
      const user = [...supabase.users.values()].find((one) => one.email === ada.email.toLowerCase())
      const { access_token } = user ? await supabase.session(user) : { access_token: '' }
      const headers = { authorization: `Bearer ${access_token}` }
      return (await postJson(gateway, '/v1/auth/token/exchange', {}, headers)).body.user.id
    },
    async 'another provider (OpenID Connect)'() {
      upstream.account = { sub: 'ada at acme', email: 'ada@acme.example', email_verified: true }
      const begun = await ada.browser.visit(await connectAt(ada.browser, 'acme'))
      await ada.browser.visit(await upstream.signIn(ada.browser, begun))
      const elsewhere = createBrowser(gateway)
      const page = await elsewhere.visit('/v1/auth/oauth?provider=acme&redirect_uri=/account')
      await elsewhere.visit(await upstream.signIn(elsewhere, page))
      return uaiOf(elsewhere)
    },
    async 'an enterprise (SAML)'() {
      const account = { id: 'ada at globex', email: ada.email }
      const browser = createBrowser(gateway)
      const asked = await samlAnswer(browser, '/v1/auth/oauth?provider=globex&redirect_uri=/account', account)
      await passSignIn(gateway, browser, asked, ada.email)
      const elsewhere = createBrowser(gateway)
      await samlAnswer(elsewhere, '/v1/auth/oauth?provider=globex&redirect_uri=/account', account)
      return uaiOf(elsewhere)
    },
    async 'a vendor (external id)'() {
      const scope = 'identities:read identities:link'
      const metadata = { grant_types: ['client_credentials'], redirect_uris: [], scope, default_scope: scope }
      const { client_secret } = await addClient(gateway, 'crm', metadata)
      const authorization = `Basic ${Buffer.from(`crm:${encodeURIComponent(client_secret)}`).toString('base64')}`
      const asked = { grant_type: 'client_credentials', scope, resource: gateway.url }
      const { body } = await post(gateway, '/oauth/token', asked, { authorization })
      const { access_token: subject_token } = await getTokens(gateway, ada, { resource: gateway.url })
      const vendor = { provider: 'stripe', external_id: 'cus_ada' }
      const token = body.access_token
      await api(gateway, 'POST', '/v1/auth/identities', { token, body: { ...vendor, subject_token } })
      return (await api(gateway, 'POST', '/v1/auth/resolve/external', { token, body: vendor })).body.uai
    },
  }
  const found: Record<string, string> = {}
  for (const [door, open] of Object.entries(doors)) {
    await openLimits(gateway)
    found[door] = await open()
  }
  expect(found).toEqual(Object.fromEntries(Object.keys(doors).map((door) => [door, ada.uai])))
  const people = await gateway.sql`select uai from auth_gateway.identities`
  expect(people).toHaveLength(1)
}, 60_000)
