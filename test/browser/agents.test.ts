import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
let ada: SignedInBrowser
beforeAll(async () => {
  browser = await launchBrowser()
  ada = await signIn(gateway)
}, 60_000)
afterAll(() => browser?.close())

it('a person authorizes an agent, sees it next to the connected applications, and revokes both', async () => {
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
  await checkPage(page, 'agents-form')
  await page.getByLabel('Agent', { exact: true }).fill('no-such-agent')
  await page.getByRole('button', { name: 'Allow the agent' }).click()
  await page.getByRole('alert').waitFor()
  await checkPage(page, 'agents-form-error')
  await page.getByLabel('Agent', { exact: true }).fill('research-agent')
  await page.getByRole('button', { name: 'Allow the agent' }).click()
  await page.getByText('The agent may act for you now.').waitFor()
  await page.getByRole('heading', { name: 'Research agent' }).waitFor()
  await page.getByRole('heading', { name: '<b>Notes</b>' }).waitFor()
  await checkPage(page, 'agents-list')

  await page.getByRole('button', { name: 'Revoke Research agent' }).click()
  await page.getByText('It can no longer act for you.').waitFor()
  await page.getByRole('button', { name: 'Revoke <b>Notes</b>' }).click()
  await page.getByText('No application is connected to your account.').waitFor()
  await context.close()
}, 60_000)
