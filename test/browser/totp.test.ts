import type { TOTP } from 'otpauth'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { ageStepUp, codeOf, scan } from '../support/operators.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'

let gateway: TestGateway
let browser: Browser
let ada: SignedInBrowser
let app: TOTP
beforeAll(async () => {
  gateway = await startGateway()
  browser = await launchBrowser()
  ada = await signIn(gateway)
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await gateway?.stop()
})

it('a person sets an authenticator app up, proves themselves with it, and removes it', async () => {
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  await context.addCookies([...ada.browser.cookies].map(([name, value]) => ({ name, value, url: gateway.url })))
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => /status of 400/.test(message.text()) || complaints.push(message.text()))

  await page.goto('/account')
  await page.getByRole('link', { name: 'Set up an authenticator app' }).click()
  app = scan({ html: await page.content() } as never)
  await page.getByText('No camera? Type it in').click()
  await checkPage(page, 'totp-enrol')
  expect(await page.getByRole('img').evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
  await page.getByLabel('6-digit code from the app').fill('000 000')
  await page.getByRole('button', { name: 'Turn it on' }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'totp-enrol-error')
  await page.getByLabel('6-digit code from the app').fill(codeOf(app, -1))
  await page.getByRole('button', { name: 'Turn it on' }).click()
  await page.getByText('Your authenticator app is set up.').waitFor()
  await checkPage(page, 'account-totp')

  await ageStepUp(gateway, ada.uai, 901)
  await page.getByRole('button', { name: /^Remove the authenticator app/ }).click()
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
  await checkPage(page, 'step-up')
  await page.getByLabel('6-digit code from the app').fill(codeOf(app, 0))
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: /^Remove the authenticator app/ }).click()
  await page.getByText('The authenticator app is removed').waitFor()
  expect(complaints).toEqual([])
  await context.close()
}, 60_000)
