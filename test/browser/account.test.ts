import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { connect } from '../support/connections.ts'
import { addClient, newEmail, useGateway } from '../support/gateway.ts'
import { startUpstream, UPSTREAM_CLIENT, type Upstream } from '../support/oidc-upstream.ts'
import { openLimits } from '../support/rows.ts'
import { getTokens, signIn, type TestBrowser } from '../support/sign-in.ts'

const KEY = 'sb_publishable_test'
const PASSWORD = 'correct horse battery'

let upstream: Upstream
let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
let browser: Browser
beforeAll(async () => {
  supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({ env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: KEY, SMS_COUNTRIES: 'CH' } }))
beforeAll(async () => {
  upstream = await startUpstream([`${gateway.url}/v1/auth/oauth/callback/acme`])
  const { client_id, client_secret } = UPSTREAM_CLIENT
  const own = { issuer: upstream.issuer, client_id }
  await connect(gateway, { slug: 'acme', name: 'Acme', ...own }, client_secret)
  await connect(gateway, { slug: 'hidden', name: 'Hidden', ...own, listed: false, domains: ['hidden.example'] })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await upstream?.stop()
})

async function open(cookies?: TestBrowser['cookies']): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  if (cookies) await context.addCookies([...cookies].map(([name, value]) => ({ name, value, url: gateway.url })))
  return context
}

it('a person sees and changes how they sign in, where they are, and what they have connected', async () => {
  const ada = await signIn(gateway)
  const other = await signIn(gateway)
  const notes = await addClient(gateway, 'notes', { client_name: '<b>Notes</b>', token_endpoint_auth_method: 'none' })
  const { client_id, redirect_uri } = notes
  await getTokens(gateway, ada, { client_id, redirect_uri, scope: 'openid profile memories:read' })
  await openLimits(gateway)
  await signIn(gateway, ada.email)
  await openLimits(gateway)
  const context = await open(ada.browser.cookies)
  const page = await context.newPage()

  await page.goto('/account')
  await page.getByRole('heading', { name: 'Profile' }).waitFor()
  await page.getByRole('link', { name: 'Sign-in methods' }).click()
  await page.getByRole('heading', { name: 'Sign-in methods' }).waitFor()
  expect(await page.getByText('Hidden').count()).toBe(0)
  await page.getByRole('link', { name: 'Connect Acme' }).click()
  await page.getByText('Linked. You can now sign in with it.').waitFor()
  await page.getByRole('heading', { name: 'Account at Acme' }).waitFor()

  await page.getByRole('link', { name: 'Add an e-mail address' }).click()
  await checkPage(page, 'account-add-email')
  await page.getByLabel('E-mail address').fill(other.email)
  await page.getByRole('button', { name: 'Send a code' }).click()
  await page.getByRole('heading', { name: 'Verify the address' }).waitFor()
  await page.getByLabel('6-digit code').fill('000000')
  await page.getByRole('button', { name: 'Add the address' }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'account-prove-email')
  await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor(other.email))
  await page.getByRole('button', { name: 'Add the address' }).click()
  await page.getByText('The accounts were merged.').waitFor()
  await checkPage(page, 'account-sign-in')

  await page.getByRole('link', { name: 'Add a mobile number' }).click()
  await checkPage(page, 'account-add-phone')
  await page.getByLabel('Mobile number').fill('078 123 45 67')
  await page.getByRole('button', { name: 'Send a code' }).click()
  await page.getByText('+41781234567').waitFor()
  await checkPage(page, 'account-prove-phone')
  await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor('+41781234567'))
  await page.getByRole('button', { name: 'Add the number' }).click()
  await page.getByRole('heading', { name: 'Code by text message', exact: true }).waitFor()

  await page.getByRole('link', { name: 'Applications and agents' }).click()
  await checkPage(page, 'account-applications')
  await page.getByRole('button', { name: 'Revoke <b>Notes</b>' }).click()
  await page.getByText('It can no longer act for you.').waitFor()
  await page.getByText('No application is connected to your account.').waitFor()
  await page.getByRole('link', { name: 'Sign-in methods' }).click()
  await page.getByRole('button', { name: 'Remove Account at Acme' }).click()
  await page.getByText('Removed. It can no longer').waitFor()
  await page.getByRole('link', { name: 'Profile' }).click()
  await checkPage(page, 'account-profile')
  await page.getByRole('button', { name: `Undo the merge of ${other.uai}` }).click()
  await page.getByText('The account is separate again.').waitFor()
  await page.getByRole('link', { name: 'Sign-in methods' }).click()
  await page.getByRole('button', { name: 'Remove Code by text message' }).click()
  await page.getByText('Removed. It can no longer').waitFor()
  expect(await page.getByRole('button', { name: /^Remove / }).count()).toBe(0)
  await page.getByRole('link', { name: 'Devices' }).click()
  await page.getByRole('heading', { name: 'Devices', exact: true }).waitFor()
  await checkPage(page, 'account-devices')
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await page.getByText('Signed out there.').waitFor()
  await page.getByRole('link', { name: 'Activity' }).click()
  await page.getByRole('heading', { name: 'What we sent you' }).waitFor()
  await checkPage(page, 'account-activity')
  await page.getByRole('link', { name: 'Data', exact: true }).click()
  await page.getByRole('link', { name: 'Delete this account' }).waitFor()
  await checkPage(page, 'account-data')
  await context.close()
}, 60_000)

it('the sign-in page shows providers and the password, and its pages sign up, sign in and reset it', async () => {
  const email = newEmail('password')
  supabase.add({ email, password: PASSWORD })
  const context = await open()
  const page = await context.newPage()
  await page.goto('/web/login?return_to=/account')
  await checkPage(page, 'sign-in-providers')
  expect(await page.getByText('Hidden').count()).toBe(0)
  await page.getByRole('link', { name: /password/i }).click()
  await checkPage(page, 'password')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong')
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'password-wrong')
  await page.getByRole('link', { name: /forgot/i }).click()
  await checkPage(page, 'forgot-password')
  await page.goto('/web/signup?return_to=/account')
  await checkPage(page, 'sign-up')
  await page.goto('/web/reset-password?token_hash=0123456789abcdef')
  await checkPage(page, 'reset-password')
  await page.goto('/web/password?return_to=/account')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.getByRole('link', { name: 'Sign-in methods' }).click()
  await page.getByRole('heading', { name: 'Password', exact: true }).waitFor()
  await checkPage(page, 'account-password')
  await context.close()
}, 60_000)

it('an account with a registered address asks for a code sent to it, and names what will be linked', async () => {
  const ada = await signIn(gateway)
  await openLimits(gateway)
  upstream.account = { sub: crypto.randomUUID(), email: ada.email, email_verified: true }
  const context = await open()
  const page = await context.newPage()
  await page.goto('/web/login?return_to=/account')
  await page.getByRole('link', { name: /Acme/ }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'sign-in-linking')
  await page.getByRole('button').first().click()
  await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor(ada.email))
  await checkPage(page, 'sign-in-linking-code')
  await page.getByRole('button', { name: /sign in|continue/i }).click()
  await page.getByRole('link', { name: 'Sign-in methods' }).click()
  await page.getByRole('heading', { name: 'Account at Acme' }).waitFor()
  await context.close()
}, 60_000)
