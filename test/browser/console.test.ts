import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { ask } from '../support/as-browser.ts'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { eventsWhere } from '../support/rows.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
let operator: SignedInBrowser
let ada: SignedInBrowser
beforeAll(async () => {
  browser = await launchBrowser()
  operator = await signInOperator(gateway)
  ada = await signIn(gateway)
  await getTokens(gateway, ada)
  await ask(gateway, ada, 'POST', '/api/v1/api-keys', { name: 'Laptop', scopes: ['memories:read'] })
  const hook = {
    name: 'Warehouse',
    url: 'https://warehouse.example/events',
    types: ['SessionStarted'],
    reason: 'for a test',
  }
  await ask(gateway, operator, 'POST', '/v1/webhooks', hook)
  await makeCheckpoints(gateway.gateway)
}, 60_000)
afterAll(() => browser?.close())

async function openAs(person: SignedInBrowser) {
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  await context.addCookies([...person.browser.cookies].map(([name, value]) => ({ name, value, url: gateway.url })))
  return context.newPage()
}

it('an operator sees what happens, follows a request, and acts on a person with a reason', async () => {
  const page = await openAs(operator)
  await page.goto('/admin')
  await page.getByRole('heading', { name: 'Console' }).waitFor()
  expect(await page.getByRole('img').count()).toBe(4)
  await checkPage(page, 'console')
  for (const name of ['Sessions', 'API keys', 'Applications', 'Identity providers', 'Webhooks', 'Timeline']) {
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    await checkPage(page, `console-${name.toLowerCase().replace(' ', '-')}`)
  }
  await page.getByText('Filters').click()
  await page.getByLabel('Type of event').fill('SessionStarted')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page
    .getByRole('cell', { name: /SessionStarted/ })
    .first()
    .waitFor()
  await checkPage(page, 'console-timeline-filtered')
  await page.locator('a[href^="/admin/requests/"]').first().click()
  await page.getByRole('heading', { name: 'A request, step by step' }).waitFor()
  await page.getByText('SessionStarted').waitFor()
  await checkPage(page, 'console-request')

  await page.getByRole('link', { name: 'People' }).click()
  await page.getByLabel('Identifier or e-mail address').fill('nobody@example.test')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('Nothing here.').waitFor()
  await checkPage(page, 'console-people-none')
  await page.getByLabel('Identifier or e-mail address').fill(ada.email)
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByRole('heading', { name: ada.email }).waitFor()
  await page.getByLabel('Time (UTC)').fill(new Date().toISOString())
  await page.getByRole('button', { name: 'Look' }).click()
  await page.getByText('1 then: auth-tester').first().waitFor()
  await checkPage(page, 'console-person')
  await page.locator('a[href^="/admin/radius"]').first().click()
  await page.getByRole('heading', { name: 'What followed' }).waitFor()
  await checkPage(page, 'console-radius')

  await page.goto(`/admin/people/${ada.uai}`)
  await page.locator('summary', { hasText: 'Suspend' }).click()
  await page.getByLabel('Why?').first().fill('odd sign-ins')
  await page.getByRole('button', { name: `Suspend ${ada.email}` }).click()
  await page.getByRole('status').waitFor()
  await page.getByText('suspended · user').waitFor()
  const [event] = await eventsWhere(gateway, { event_type: 'IdentitySuspended', stream_id: ada.uai })
  expect(event?.data).toEqual({ reason: 'odd sign-ins' })
  expect(event?.metadata).toMatchObject({ actorType: 'operator', actor: operator.uai })
}, 120_000)

it('a person deletes their account', async () => {
  const grace = await signIn(gateway)
  const page = await openAs(grace)
  await page.goto('/account/data')
  await page.getByRole('link', { name: 'Delete this account' }).click()
  await page.getByRole('heading', { name: 'Delete this account' }).waitFor()
  await checkPage(page, 'erase')
  await page.getByLabel(/Type “delete”/).fill('delete')
  await page.getByRole('button', { name: 'Delete my account' }).click()
  await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor()
  await checkPage(page, 'erased')
}, 60_000)
