import { beforeAll, beforeEach, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { signIn } from '../support/sign-in.ts'
import { type Application, kindOf, newApplication, requestOf } from '../support/tab-sign-in.ts'
import { createBrowser, type TestBrowser, textOf } from '../support/test-browser.ts'

const gateway = useGateway()
let app: Application
beforeAll(async () => {
  app = await newApplication(gateway, 'alpha')
})
beforeEach(() => openLimits(gateway))

/** Two tabs that wait for the one code of an address: the second was opened within the pause between two codes. */
async function twoTabs(browser: TestBrowser, email: string) {
  const tabs = [browser.tab(), browser.tab()] as const
  const pages = []
  for (const tab of tabs) {
    const page = await tab.visit(requestOf(app), { from: 'https://alpha.example' })
    pages.push(await tab.submit(page, { email }, '/web/login'))
  }
  const [first, second] = pages
  if (!first || !second) throw new Error('no pages')
  return { tabs, first, second }
}

test('the code of an address is entered in two tabs: both go on', async () => {
  const email = newEmail()
  const { tabs, first, second } = await twoTabs(createBrowser(gateway), email)
  const code = gateway.inbox.codeFor(email)
  expect(gateway.inbox.sent.filter(({ to }) => to === email)).toHaveLength(1)
  expect(kindOf(await tabs[0].submit(first, { code }, '/web/code'))).toBe('consent')
  expect(kindOf(await tabs[1].submit(second, { code }, '/web/code'))).toBe('consent')
})

test('a new code that one tab asked for is good in the other one, and a wrong one is not', async () => {
  const email = newEmail()
  const { tabs, first, second } = await twoTabs(createBrowser(gateway), email)
  await openLimits(gateway)
  await tabs[0].submit(first, {}, '/web/code/resend')
  expect(gateway.inbox.sent.filter(({ to }) => to === email)).toHaveLength(2)
  const code = gateway.inbox.codeFor(email)
  const wrong = code === '000000' ? '111111' : '000000'
  const refused = await tabs[1].submit(second, { code: wrong }, '/web/code')
  expect([refused.status, kindOf(refused)]).toEqual([400, 'code'])
  expect(kindOf(await tabs[1].submit(refused, { code }, '/web/code'))).toBe('consent')
})

test('what was shown in a session is not shown again once that has ended', async () => {
  const { browser } = await signIn(gateway)
  const page = await browser.visit('/account/api-keys/new')
  const fields = { name: 'laptop', scopes: 'memories:read' }
  const made = await browser.submit(page, fields, '/account/api-keys')
  expect(made.html).toMatch(/lano_[0-9a-f]{64}/)
  expect((await browser.submit(page, fields, '/account/api-keys')).html).toBe(made.html)
  const out = await browser.visit('/web/logout')
  await browser.submit(out, {}, '/web/logout')
  const again = await browser.submit(page, fields, '/account/api-keys')
  expect(again.html).not.toMatch(/lano_/)
  expect(again.url).toContain('/web/login')
})

test('503, not "done", for a form whose process ended in the middle; it acts again when the claim is over', async () => {
  const { browser } = await signIn(gateway)
  const page = await browser.visit('/account/api-keys/new')
  const fields = { name: 'phone', scopes: 'memories:read' }
  await browser.submit(page, fields, '/account/api-keys')
  const keys = async () => (await gateway.sql`select id from auth_gateway.api_keys`).length
  const before = await keys()
  // What is left when the process ends between the claim and the act: a claim without a value; the answer was never kept.
  await gateway.sql`delete from auth_gateway.form_states where expires_at < now() + interval '5 minutes'`
  await gateway.sql`update auth_gateway.form_states set sealed = null, expires_at = now() + interval '20 seconds'
    where expires_at > now() + interval '20 hours'`
  const pressed = await browser.submit(page, fields, '/account/api-keys')
  expect([pressed.status, await keys()]).toEqual([503, before])
  await gateway.sql`update auth_gateway.form_states set expires_at = now() where sealed is null`
  const taken = await browser.submit(page, fields, '/account/api-keys')
  expect(textOf(taken)).toContain('already')
})
