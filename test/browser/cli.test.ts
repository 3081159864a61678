import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { authorizeParams, newVerifier } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser?.close())

async function signedInPage(): Promise<Page> {
  const context = await browser.newContext({ baseURL: gateway.url })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const email = newEmail()
  await page.goto('/auth/cli-login')
  await page.getByLabel('E-mail address').fill(email)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/web\/code\?/)
  await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor(email))
  await page.keyboard.press('Enter')
  await page.getByText('Signed in for the command line').first().waitFor()
  return page
}

async function toCallback(page: Page, state: string): Promise<void> {
  const redirect_uri = `${gateway.url}/auth/cli-callback`
  const params = authorizeParams(newVerifier(), { client_id: 'lanonasis-cli', redirect_uri, scope: 'profile', state })
  await page.goto(`/oauth/authorize?${new URLSearchParams(params)}`)
  await checkPage(page, 'cli-consent')
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByText('Finish in your terminal').first().waitFor()
}

it('sends the code to a terminal that listens on this computer, and shows it where none does', async () => {
  const page = await signedInPage()
  const complaints: string[] = []
  page.on('console', (message) => message.text().includes('Content Security Policy') && complaints.push(message.text()))
  const listener = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const asked = once(listener, 'request')
  await toCallback(page, `terminal.${port}`)
  const [request] = await asked
  const answer = new URL(request.url ?? '', 'http://127.0.0.1').searchParams
  expect({ state: answer.get('state'), iss: answer.get('iss') }).toEqual({
    state: `terminal.${port}`,
    iss: gateway.url,
  })
  expect(answer.get('code')).toMatch(/^[\w-]{60,}$/)
  await page.getByText('Your terminal has taken over').waitFor()
  expect(await page.getByLabel('Code').isVisible()).toBe(false)
  await checkPage(page, 'cli-handed-over')
  listener.close()
  listener.closeAllConnections()

  await toCallback(page, `terminal.${port}`)
  expect(await page.getByLabel('Code').inputValue()).toMatch(/^[A-Z]{5}-[A-Z]{5}$/)
  await checkPage(page, 'cli-paste')
  expect(complaints).toEqual([])
  await page.context().close()
}, 60_000)

it('shows a token to paste, with a button that copies it', async () => {
  const page = await signedInPage()
  await checkPage(page, 'cli-welcome')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Show me a token' }).click()
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByText('Copied').waitFor()
  const token = await page.getByLabel('Token').inputValue()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token)
  expect(token.split('.')).toHaveLength(3)
  await checkPage(page, 'cli-token')
  await page.context().close()
}, 60_000)
