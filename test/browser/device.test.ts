import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { post } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser?.close())

it('a person types the code, signs in, sees what is asked and connects the device', async () => {
  const fields = { client_id: 'lanonasis-mcp-cli', scope: 'memories:read memories:delete' }
  const { body: device } = await post(gateway, '/oauth/device', fields, { 'user-agent': 'lanonasis-cli/3.11.2' })
  const context = await browser.newContext({ baseURL: gateway.url })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  await page.goto('/oauth/device')
  await checkPage(page, 'device-enter')
  await page.getByLabel('Code').fill(device.user_code.toLowerCase().replace('-', ' '))
  await page.keyboard.press('Enter')
  const email = newEmail()
  await page.getByLabel('E-mail address').fill(email)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/web\/code\?/)
  await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor(email))
  await page.keyboard.press('Enter')
  await page.getByText('asks to use your LanOnasis account').waitFor()
  expect(await page.getByText('lanonasis-cli').count()).toBe(0)
  await checkPage(page, 'device-approve')
  await page.getByRole('button', { name: 'Connect the device' }).click()
  await page.getByText('The device is connected').first().waitFor()
  await checkPage(page, 'device-approved')
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: fields.client_id }
  expect((await post(gateway, '/oauth/token', { ...grant, device_code: device.device_code })).status).toBe(200)

  await page.goto(`/oauth/device?code=${device.user_code}`)
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'device-used')
  await context.close()
}, 60_000)
