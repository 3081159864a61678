import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { postJson } from '../support/sign-in.ts'

const gateway = useGateway({ env: { LIMITS: 'otp-send=1/1h 10/1d | 2/1h 10/1d | 3/1h 10/1d' } })
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser?.close())

/** The sign-in page after a press of its button, for a mailbox that a stranger has used up. */
async function askForHotMailbox(javaScriptEnabled: boolean) {
  const email = newEmail()
  await postJson(gateway, '/v1/auth/otp/send', { email }, { [IP_HEADER]: randomIp() })
  await openLimits(gateway, 'otp-send-pause:')
  const context = await browser.newContext({ javaScriptEnabled })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  await page.goto(`${gateway.url}/web/login`)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('button', { name: 'Send me a code' }).click()
  return { page, email }
}

it('a browser completes the proof of work and continues to the code page automatically', async () => {
  const { page, email } = await askForHotMailbox(true)
  await page.waitForURL(/\/web\/code\?/)
  await page.getByText(email).waitFor()
  await page.getByText(/You can ask for a new code in \d+ (seconds|minutes)\./).waitFor()
  expect(await page.getByRole('button', { name: 'Send a new code' }).isDisabled()).toBe(true)
  await page.context().close()
}, 60_000)

it('a browser without scripts is asked to wait a minute', async () => {
  const { page } = await askForHotMailbox(false)
  await page.getByText('There were many recent attempts. Try again in 60 seconds.').waitFor()
  await page.context().close()
}, 60_000)
