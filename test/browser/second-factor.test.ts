import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { useGateway } from '../support/gateway.ts'
import { codeOf, enrolTotp } from '../support/operators.ts'
import { openLimits } from '../support/rows.ts'
import { signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser?.close())

it('a person with an app is asked for it after the code, and can have the device remembered', async () => {
  const ada = await signIn(gateway)
  const app = await enrolTotp(ada)
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const enterCode = async () => {
    await openLimits(gateway)
    await page.goto('/web/login?return_to=%2Faccount%2Fdevices')
    await page.getByLabel('E-mail address').fill(ada.email)
    await page.getByRole('button', { name: 'Send me a code' }).click()
    await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor(ada.email))
    await page.getByRole('button', { name: 'Continue' }).click()
  }
  await enterCode()
  await page.getByRole('heading', { name: 'One more step' }).waitFor()
  await checkPage(page, 'second-factor')
  await page.getByLabel('6-digit code from the app').fill('000000')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'second-factor-error')
  await page.getByRole('link', { name: 'Use a recovery code' }).click()
  await page.getByRole('heading', { name: 'Use a recovery code' }).waitFor()
  await checkPage(page, 'second-factor-recovery')
  await page.getByRole('link', { name: 'Use a code from the app' }).click()
  await page.getByLabel('6-digit code from the app').fill(codeOf(app, 0))
  await page.getByLabel('Do not ask again on this device for 30 days').check()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Remembered devices' }).waitFor()
  await checkPage(page, 'account-remembered-device')
  await context.clearCookies({ name: 'lanonasis_session' })
  await enterCode()
  await page.getByRole('heading', { name: 'Remembered devices' }).waitFor()
  await page.getByRole('button', { name: /^Forget Chrome/ }).click()
  await page.getByText('That device is asked for a code again.').waitFor()
  expect(await page.getByRole('heading', { name: 'Remembered devices' }).count()).toBe(0)
  await context.close()
}, 60_000)
