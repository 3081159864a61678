import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { postJson } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser?.close())

it('a person opens the link of a mail, reads what it does, confirms, and is signed in; a second time it is spent', async () => {
  const [email, other] = [newEmail(), newEmail('cli')]
  await postJson(gateway, '/v1/auth/magic-link', { email, redirect_uri: '/account' })
  const redirect_uri = 'http://localhost:8899/callback'
  await postJson(gateway, '/v1/auth/otp/send', { email: other, type: 'magiclink', redirect_uri })
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()

  await page.goto(gateway.inbox.linkFor(other))
  await page.getByText('This signs LanOnasis CLI in').waitFor()
  await checkPage(page, 'magic-link-application')
  await page.goto(gateway.inbox.linkFor(email))
  await page.getByText(email).waitFor()
  await checkPage(page, 'magic-link')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  expect(page.url()).toBe(`${gateway.url}/account`)
  await page.goto(gateway.inbox.linkFor(email))
  await page.waitForURL(`${gateway.url}/account`)
  await context.close()

  const elsewhere = await (await browser.newContext()).newPage()
  await elsewhere.goto(gateway.inbox.linkFor(email))
  await elsewhere.getByText('The link has expired or was used before.').waitFor()
  await checkPage(elsewhere, 'magic-link-spent')
  await elsewhere.context().close()
}, 60_000)
