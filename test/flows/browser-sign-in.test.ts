import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oidc from 'openid-client'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { newEmail, useGateway, WEBHOOK_SECRET } from '../support/gateway.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'
import { authorizeParams, newVerifier } from '../support/sign-in.ts'

let provider: ResendStandIn
let edge: EdgeFunctions
let browser: Browser
let client: Server
let clientUrl: string
let redirectUri: string
let config: oidc.Configuration

beforeAll(async () => {
  provider = await startResendStandIn()
  edge = await startEdgeFunctions({
    env: {
      OTP_WEBHOOK_SECRET: WEBHOOK_SECRET,
      RESEND_API_KEY: provider.apiKey,
      RESEND_BASE_URL: provider.url,
      OTP_EMAIL_FROM: 'LanOnasis <signin@lanonasis.com>',
    },
  })
  client = createServer((_, response) => response.end('You may close this window.'))
  await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve))
  clientUrl = `http://127.0.0.1:${(client.address() as AddressInfo).port}`
})
afterAll(async () => {
  client?.close()
  await edge?.stop()
  await provider?.stop()
})
const gateway = useGateway(() => ({ functionsUrl: edge.url, env: { DASHBOARD_URL: clientUrl } }))
beforeAll(async () => {
  browser = await launchBrowser()
  redirectUri = `${clientUrl}/auth-tester`
  config = await oidc.discovery(new URL(gateway.url), 'auth-tester', undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  })
})
afterAll(() => browser?.close())

/** The code a person reads in the newest mail to that address. */
async function codeFromMailbox(email: string): Promise<string> {
  const response = await fetch(`${provider.url}/messages.json?to=${encodeURIComponent(email)}`)
  const [newest] = (await response.json()) as { code: string | null }[]
  if (!newest?.code) throw new Error(`no code in the mailbox for ${email}`)
  return newest.code
}

test.each([{ javaScriptEnabled: true }, { javaScriptEnabled: false }])(
  'a person signs in at Chromium with a code from the mailbox and the client gets tokens ($javaScriptEnabled)',
  {
    timeout: 60_000,
  },
  async ({ javaScriptEnabled }) => {
    const email = newEmail()
    const verifier = oidc.randomPKCECodeVerifier()
    const state = oidc.randomState()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid email memories:read',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    })
    const context = await browser.newContext({ javaScriptEnabled })
    const violations: string[] = []
    const page = await context.newPage()
    page.on('console', (line) => line.type() === 'error' && violations.push(line.text()))
    try {
      await page.goto(url.href)
      expect(await page.title()).toContain('Sign in')
      await page.getByLabel(/e-?mail/i).fill(email)
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/web\/code\?/)
      const code = await codeFromMailbox(email)
      await page.getByRole('textbox').fill(`${code.slice(0, 3)} ${code.slice(3)}`)
      await page.keyboard.press('Enter')
      await page.waitForURL('**/oauth/authorize**')
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Auth Tester')
      await page.locator('button[name=decision][value=allow]').click()
      await page.waitForURL(`${redirectUri}**`)
      expect(violations).toEqual([])

      const tokens = await oidc.authorizationCodeGrant(config, new URL(page.url()), {
        pkceCodeVerifier: verifier,
        expectedState: state,
        idTokenExpected: true,
      })
      expect(tokens.claims()).toMatchObject({ email, email_verified: true })
      expect(tokens.scope).toBe('openid email memories:read')
      const cookies = await context.cookies(gateway.url)
      expect(cookies.find(({ name }) => name === 'lanonasis_session')).toMatchObject({
        httpOnly: true,
        sameSite: 'Lax',
      })
      expect(cookies.find(({ name }) => name === 'lanonasis_user')).toMatchObject({ httpOnly: false })
    } finally {
      await context.close()
    }
  },
)

test('a person who just signs in ends at the dashboard, and signing out leads back there', async () => {
  const email = newEmail()
  const dashboard = new URL(redirectUri).origin
  const context = await browser.newContext()
  const page = await context.newPage()
  try {
    await page.goto(`${gateway.url}/web/login`)
    await page.getByLabel(/e-?mail/i).fill(email)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/web\/code\?/)
    await page.getByRole('textbox').fill(await codeFromMailbox(email))
    await page.keyboard.press('Enter')
    await page.waitForURL(`${dashboard}/dashboard`)
    await page.goto(`${gateway.url}/web/logout?return_to=${encodeURIComponent(`${dashboard}/bye`)}`)
    await page.getByRole('button').first().click()
    await page.waitForURL(`${dashboard}/bye`)
    expect((await context.cookies(gateway.url)).map(({ name }) => name)).not.toContain('lanonasis_session')
  } finally {
    await context.close()
  }
})

test.each([
  ['lanonasis-mcp-desktop', 'lanonasis://oauth/callback'],
  ['vscode-extension', 'vscode://lanonasis.mcp-client/callback'],
  ['vscode-extension', 'http://localhost:59999/callback'],
  ['claude-web', 'https://claude.ai/mcp/callback'],
])('the answer of %s leaves the consent page for %s, whatever the page may load', async (client_id, redirect_uri) => {
  const email = newEmail()
  const context = await browser.newContext()
  const page = await context.newPage()
  const blocked: string[] = []
  page.on('console', (line) => /Content Security Policy/.test(line.text()) && blocked.push(line.text()))
  const params = authorizeParams(newVerifier(), { client_id, redirect_uri, scope: undefined })
  try {
    await page.goto(`${gateway.url}/oauth/authorize?${new URLSearchParams(params)}`)
    await page.getByLabel(/e-?mail/i).fill(email)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/web\/code\?/)
    await page.getByRole('textbox').fill(await codeFromMailbox(email))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/oauth/authorize**')
    const answered = page.waitForResponse((response) => response.url().endsWith('/oauth/consent'))
    await page.locator('button[name=decision][value=allow]').click()
    expect((await answered).headers().location).toContain(`${redirect_uri}?code=`)
    await page.waitForTimeout(200)
    expect(blocked).toEqual([])
  } finally {
    await context.close()
  }
})
