import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { addClient, startGateway, type TestGateway } from '../support/gateway.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const SHOTS = process.env.SCREENSHOTS
let gateway: TestGateway
let browser: Browser
let ada: SignedInBrowser
beforeAll(async () => {
  gateway = await startGateway()
  browser = await launchBrowser()
  ada = await signIn(gateway)
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await gateway?.stop()
})

async function check(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`)).toEqual([])
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 860 })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/agents-${name}-${width}.png`, fullPage: true })
  }
}

it('a person lets an agent act, sees it beside the connected applications, and cuts both off', async () => {
  await addClient(gateway, 'research-agent', { client_name: 'Research agent', grant_types: [], redirect_uris: [] })
  const notes = await addClient(gateway, 'notes', { client_name: '<b>Notes</b>', token_endpoint_auth_method: 'none' })
  const { client_id, redirect_uri } = notes
  await getTokens(gateway, ada, { client_id, redirect_uri, scope: 'memories:read' })
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  await context.addCookies([...ada.browser.cookies].map(([name, value]) => ({ name, value, url: gateway.url })))
  const page = await context.newPage()

  await page.goto('/account/agents')
  await page.getByText('No agent acts for you.').waitFor()
  await page.getByRole('link', { name: 'Let an agent act for you' }).click()
  await check(page, 'form')
  await page.getByLabel('Agent', { exact: true }).fill('no-such-agent')
  await page.getByRole('button', { name: 'Let it act for me' }).click()
  await page.getByRole('alert').waitFor()
  await check(page, 'form-error')
  await page.getByLabel('Agent', { exact: true }).fill('research-agent')
  await page.getByRole('button', { name: 'Let it act for me' }).click()
  await page.getByText('The agent may act for you now.').waitFor()
  await page.getByRole('heading', { name: 'Research agent' }).waitFor()
  await page.getByRole('heading', { name: '<b>Notes</b>' }).waitFor()
  await check(page, 'list')

  await page.getByRole('button', { name: 'Cut off Research agent' }).click()
  await page.getByText('It can no longer act for you.').waitFor()
  await page.getByRole('button', { name: 'Cut off <b>Notes</b>' }).click()
  await page.getByText('No application is connected to your account.').waitFor()
  await context.close()
}, 60_000)
