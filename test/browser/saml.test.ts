import { once } from 'node:events'
import { createServer } from 'node:https'
import { inflateRawSync } from 'node:zlib'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { launchBrowser } from '../support/browser.ts'
import { openWorkshop } from '../support/certificates.ts'
import { connect } from '../support/connections.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { AUTH_HOST, type Nginx, newProxySecret, startNginx } from '../support/nginx.ts'
import { createSamlProvider, type SamlAccount } from '../support/saml-provider.ts'

const PROVIDER_HOST = 'login.provider.test'
const workshop = openWorkshop()
const certificate = workshop.selfSigned('/CN=both')
let [issuer, base] = ['', '']
let nginx: Nginx
let browser: Browser
let provider: ReturnType<typeof createSamlProvider>
/** Who is signed in at the provider. */
let account: SamlAccount

/** The provider's site: it answers requests by a form that posts itself, and has a link of its own to the gateway. */
const site = createServer({ key: certificate.key, cert: certificate.cert }, async ({ url = '/' }, response) => {
  const { pathname, searchParams } = new URL(url, base)
  response.setHeader('content-type', 'text/html')
  if (pathname === '/portal') {
    const href = `${issuer}/v1/auth/oauth?provider=acme&redirect_uri=/account`
    return response.end(`<a href="${href}">LanOnasis</a>`)
  }
  if (pathname !== '/sso') return response.writeHead(404).end()
  const request = inflateRawSync(Buffer.from(searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
  const answer = await provider.answer(/ID="([^"]+)"/.exec(request)?.[1] ?? '', account)
  response.end(`<form method="post" action="${issuer}/v1/auth/saml/acme/acs">
    <input name="SAMLResponse" value="${answer}"><input name="RelayState" value="${searchParams.get('RelayState')}">
    </form><script>document.forms[0].submit()</script>`)
})

beforeAll(async () => {
  issuer = `https://${AUTH_HOST}:${await freePort()}`
})
afterAll(() => workshop.remove())
const gateway = useGateway(() => ({ env: { AUTH_BASE_URL: issuer } }))
beforeAll(async () => {
  nginx = await startNginx({
    port: Number(new URL(issuer).port),
    serverCertificate: certificate,
    clientAuthority: certificate,
    gateway: { ports: [Number(new URL(gateway.url).port)], proxySecret: newProxySecret() },
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const address = site.address()
  base = `https://${PROVIDER_HOST}:${typeof address === 'object' ? address?.port : ''}`
  provider = createSamlProvider(base, issuer, 'acme')
  await connect(gateway, { slug: 'acme', name: 'Acme', protocol: 'saml', saml: provider.settings, trust_email: true })
  browser = await launchBrowser({ local: true })
}, 60_000)
afterAll(async () => {
  await browser?.close()
  site.closeAllConnections()
  site.close()
  provider?.remove()
  await nginx?.stop()
})

async function openContext(): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: issuer, ignoreHTTPSErrors: true })
  context.setDefaultTimeout(10_000)
  return context
}

async function signInByMail(context: BrowserContext) {
  const email = newEmail()
  const page = await context.newPage()
  await page.goto('/web/login?return_to=/account')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('button').first().click()
  const code = page.getByLabel('6-digit code')
  await code.waitFor()
  await code.fill(gateway.inbox.codeFor(email))
  await page.getByRole('button', { name: /sign in|continue/i }).click()
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  return { page, email }
}

const uaiOf = async (context: BrowserContext): Promise<string> => {
  const user = (await context.cookies()).find(({ name }) => name === 'lanonasis_user')
  return JSON.parse(decodeURIComponent(user?.value ?? '%7B%7D')).id
}

it('the assertion that the provider’s page posts links the account to the person at this browser', async () => {
  account = { id: crypto.randomUUID(), email: newEmail('employee') }
  const context = await openContext()
  const { page } = await signInByMail(context)
  const uai = await uaiOf(context)
  await page.goto('/account/sign-in')
  await page.getByRole('link', { name: 'Acme' }).click()
  await page.waitForURL(`${issuer}/account/sign-in?done=linked`)
  const [, , linked] = await eventsOf(gateway, 'identity', uai)
  expect(linked?.data.provider).toBe('acme')
  await context.close()
}, 60_000)

it('signs a browser in that has no session, and a link at the provider’s site does so as well', async () => {
  account = { id: crypto.randomUUID(), email: newEmail('employee') }
  const context = await openContext()
  const page = await context.newPage()
  await page.goto(`${base}/portal`)
  await page.getByRole('link').click()
  await page.waitForURL(`${issuer}/account`)
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  await context.close()
}, 60_000)

it('a sign-in that the provider’s site began does not replace the session of another person', async () => {
  account = { id: crypto.randomUUID(), email: newEmail('attacker') }
  const context = await openContext()
  const { page } = await signInByMail(context)
  const uai = await uaiOf(context)
  await page.goto(`${base}/portal`)
  await page.getByRole('link').click()
  await page.waitForURL(/error=signed_in_as_another/)
  expect(await uaiOf(context)).toBe(uai)
  await page.goto('/account')
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  await context.close()
}, 60_000)
