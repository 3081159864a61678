import type { TOTP } from 'otpauth'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { useGateway } from '../support/gateway.ts'
import { codeOf, scan, signInOperator } from '../support/operators.ts'
import { ageStepUp } from '../support/rows.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
let ada: SignedInBrowser
let app: TOTP
beforeAll(async () => {
  browser = await launchBrowser()
  ada = await signIn(gateway)
}, 60_000)
afterAll(() => browser?.close())

it('a person sets up an authenticator app, confirms with it, and removes it', async () => {
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  await context.addCookies([...ada.browser.cookies].map(([name, value]) => ({ name, value, url: gateway.url })))
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => /status of 400/.test(message.text()) || complaints.push(message.text()))

  await page.goto('/account/sign-in')
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
  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor()
  await checkPage(page, 'recovery-codes-make')
  await page.getByRole('button', { name: 'Make recovery codes' }).click()
  await page.getByRole('heading', { name: 'Keep these codes' }).waitFor()
  const [code = ''] = await page.getByRole('listitem').allInnerTexts()
  await checkPage(page, 'recovery-codes')
  await page.getByRole('link', { name: 'I saved them' }).click()
  await page.getByText('Your authenticator app is set up.').waitFor()
  await page.getByText('10 left').waitFor()
  await checkPage(page, 'account-totp')

  await ageStepUp(gateway, ada.uai, 901)
  await page.getByRole('button', { name: /^Remove the authenticator app/ }).click()
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
  await checkPage(page, 'step-up')
  await page.getByRole('link', { name: 'Use a recovery code' }).click()
  await page.getByRole('heading', { name: 'Use a recovery code' }).waitFor()
  await checkPage(page, 'recovery')
  await page.getByLabel('Recovery code').fill(code)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: /^Remove the authenticator app/ }).click()
  await page.getByText('The authenticator app was removed').waitFor()
  expect(complaints).toEqual([])
  await context.close()
}, 60_000)

it('operators create and approve codes, and a person without mail signs in with one', async () => {
  const [first, second] = [await signInOperator(gateway), await signInOperator(gateway)]
  const open = async ({ browser: { cookies } }: SignedInBrowser) => {
    const context = await browser.newContext({ baseURL: gateway.url })
    context.setDefaultTimeout(10_000)
    await context.addCookies([...cookies].map(([name, value]) => ({ name, value, url: gateway.url })))
    return context.newPage()
  }
  const [one, two] = [await open(first), await open(second)]
  await one.goto('/operator/codes')
  await one.getByText('There is none.').waitFor()
  await one.getByLabel('E-mail address of the person').fill('nobody@example.com')
  await one.getByLabel('Reason').fill('Mail is down')
  await one.getByRole('button', { name: 'Make a code' }).click()
  await one.getByRole('alert').waitFor()
  await checkPage(one, 'operator-codes-error')
  await one.getByLabel('E-mail address of the person').fill(ada.email)
  await one.getByLabel('Reason').fill('Mail is down')
  await one.getByRole('button', { name: 'Make a code' }).click()
  await one.getByRole('heading', { name: 'Give the person this code' }).waitFor()
  const code = (await one.locator('.secret').textContent()) ?? ''
  await checkPage(one, 'operator-code')

  await one.goto('/operator/codes')
  await one.getByLabel('E-mail address of the person').fill(second.email)
  await one.getByLabel('Reason').fill('Mail is down')
  await one.getByRole('button', { name: 'Make a code' }).click()
  await one.getByText('This is half of the code.').waitFor()
  await two.goto('/operator/codes')
  await checkPage(two, 'operator-codes')
  await two.getByRole('button', { name: 'Revoke the code' }).first().click()
  await two.getByText('The code was revoked.').or(two.getByRole('alert')).first().waitFor()

  const context = await browser.newContext({ baseURL: gateway.url })
  const page = await context.newPage()
  await page.goto('/web/login')
  await page.getByRole('link', { name: 'Sign in without mail' }).click()
  await page.getByLabel('E-mail address').fill(ada.email)
  await page.getByLabel('Code').fill('WRON-GWRG')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'without-mail')
  await page.getByLabel('Code').fill(code)
  await page.route('**/dashboard**', (route) => route.fulfill({ body: 'the dashboard' }))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('the dashboard').waitFor()
  await page.goto(`${gateway.url}/account/sign-in`)
  await page.getByRole('heading', { name: 'Codes that operators made for you' }).waitFor()
  await checkPage(page, 'account-operator-codes')
}, 60_000)
