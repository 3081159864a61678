import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { ageStepUp } from '../support/rows.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

const gateway = useGateway({ host: 'localhost' })
let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser?.close())

async function open(person?: SignedInBrowser): Promise<Page> {
  const context = await browser.newContext({ baseURL: gateway.url })
  context.setDefaultTimeout(10_000)
  const cookies = [...(person?.browser.cookies ?? [])].map(([name, value]) => ({ name, value, url: gateway.url }))
  await context.addCookies(cookies)
  return context.newPage()
}

async function addPasskey(page: Page): Promise<void> {
  await page.goto('/account/passkeys/new')
  await page.getByRole('button', { name: 'Create a passkey' }).click()
  await page.getByText('The passkey was added.').waitFor()
}

const eventsOf = (uai: string) =>
  gateway.sql`select event_type, data - 'sealed' as data from auth_gateway.event_store
    where stream_type = 'passkey' and subject = ${uai} order by position`
const sessionOf = async (uai: string) => {
  const [row] = await gateway.sql`
    select method, amr, acr from auth_gateway.sessions where uai = ${uai} order by id desc limit 1`
  return row
}

it('a person adds a passkey, renames it, signs in with its button, and removes it', async () => {
  const ada = await signIn(gateway)
  const page = await open(ada)
  const device = await addAuthenticator(page)
  await page.goto('/account/sign-in')
  await page.getByText('You have no passkey yet.').waitFor()
  await page.getByRole('link', { name: 'Add a passkey' }).click()
  await page.getByRole('button', { name: 'Create a passkey' }).waitFor()
  await checkPage(page, 'passkey-new')
  await page.getByRole('button', { name: 'Create a passkey' }).click()
  await page.getByText('The passkey was added.').waitFor()
  await page.getByText('Rename').click()
  await checkPage(page, 'account-passkeys')
  await page.getByLabel('New name').fill('My telephone')
  await page.getByRole('button', { name: 'Save the name' }).click()
  await page.getByRole('heading', { name: 'My telephone' }).waitFor()
  const [registered] = await eventsOf(ada.uai)
  expect(registered).toMatchObject({
    event_type: 'PasskeyRegistered',
    data: { uai: ada.uai, rpId: 'localhost', transports: ['internal'], backupEligible: false, backedUp: false },
  })

  await page.context().clearCookies()
  await device.touch(false)
  await page.goto('/web/login?return_to=/account/sign-in')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
  await checkPage(page, 'sign-in-passkey')
  await device.touch(true)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByRole('heading', { name: 'My telephone' }).waitFor()
  expect(await sessionOf(ada.uai)).toEqual({
    method: 'passkey',
    amr: ['hwk', 'user'],
    acr: 'urn:lanonasis:acr:phishing-resistant',
  })
  await page.getByRole('button', { name: 'Remove the passkey My telephone' }).click()
  await page.getByText('The passkey was removed.').waitFor()
  expect((await eventsOf(ada.uai)).map(({ event_type }) => event_type)).toEqual([
    'PasskeyRegistered',
    'PasskeyRenamed',
    'PasskeyUsed',
    'PasskeyRemoved',
  ])
  expect(await gateway.sql`select digest, sealed from auth_gateway.passkeys where uai = ${ada.uai}`).toEqual([
    { digest: null, sealed: null },
  ])
  await expect.poll(() => device.credentials()).toEqual([])
  await device.remove()
  await page.context().close()
}, 60_000)

it('the browser offers a synchronized passkey in the address field', async () => {
  const ada = await signIn(gateway)
  const page = await open(ada)
  await addAuthenticator(page, { synced: true })
  await addPasskey(page)
  await page.context().clearCookies()
  await page.goto('/web/login?return_to=/account/sign-in')
  await page.getByText('Synchronized').waitFor()
  expect(await sessionOf(ada.uai)).toMatchObject({ method: 'passkey', amr: ['swk', 'user'] })
  await page.context().close()
}, 60_000)

it('a person confirms a sensitive action with their passkey', async () => {
  const ada = await signIn(gateway)
  const page = await open(ada)
  await addAuthenticator(page)
  await addPasskey(page)
  await ageStepUp(gateway, ada.uai, 901)
  await page.goto('/account/erase')
  await page.getByRole('button', { name: 'Use a passkey' }).waitFor()
  await checkPage(page, 'step-up-passkey')
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByRole('heading', { name: 'Delete this account' }).waitFor()
  expect(await sessionOf(ada.uai)).toEqual({
    method: 'otp',
    amr: ['otp', 'hwk', 'user', 'mfa'],
    acr: 'urn:lanonasis:acr:phishing-resistant',
  })
  await page.context().close()
}, 60_000)

it('refuses and reports a passkey whose count went back', async () => {
  const ada = await signIn(gateway)
  const page = await open(ada)
  await page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false')
  const device = await addAuthenticator(page)
  await addPasskey(page)
  await device.count(0)
  await page.context().clearCookies()
  await page.goto('/web/login?return_to=/account')
  const button = page.getByRole('button', { name: 'Sign in with a passkey' })
  await button.waitFor()
  await button.click()
  await page.getByText('This passkey may have been copied').waitFor()
  await checkPage(page, 'sign-in-passkey-error')
  expect((await eventsOf(ada.uai)).map(({ event_type }) => event_type)).toEqual([
    'PasskeyRegistered',
    'PasskeyCounterRegressed',
  ])
  await page.context().close()
}, 60_000)

it('refuses a passkey without the verification of the person', async () => {
  const ada = await signIn(gateway)
  const page = await open(ada)
  const device = await addAuthenticator(page)
  await addPasskey(page)
  await page.context().clearCookies()
  await device.verify(false)
  await page.goto('/web/login')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByText('No passkey was used.').waitFor()
  await page.context().close()
}, 60_000)

it('a person is offered a passkey after a code, and continues where they were going', async () => {
  const email = newEmail()
  const page = await open()
  await addAuthenticator(page)
  await page.goto('/web/login?return_to=/account/sign-in')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('button', { name: 'Send me a code' }).click()
  await page.getByLabel('6-digit code').fill(gateway.inbox.codeFor(email))
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Sign in without a code next time' }).waitFor()
  await page.getByRole('button', { name: 'Create a passkey' }).waitFor()
  await checkPage(page, 'passkey-offer')
  await page.getByRole('button', { name: 'Create a passkey' }).click()
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  await page.getByRole('button', { name: 'Remove the passkey Chrome on Linux' }).waitFor()
  await page.context().close()
}, 60_000)

it('without scripts the page signs in by code and shows no passkey button', async () => {
  const context = await browser.newContext({ baseURL: gateway.url, javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/web/login')
  const buttonsOf = (name: string | RegExp) => page.getByRole('button', { name }).count()
  expect([await buttonsOf('Send me a code'), await buttonsOf(/passkey/i)]).toEqual([1, 0])
  await context.close()
}, 60_000)
