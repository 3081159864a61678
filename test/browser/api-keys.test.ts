import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, directSignIn, newKey } from '../support/api-keys.ts'
import { checkPage, launchBrowser } from '../support/browser.ts'
import { useGateway } from '../support/gateway.ts'
import { type SignedInBrowser, signIn } from '../support/sign-in.ts'
import { complaintsOf } from './gallery.ts'

const PAGE = '/account/api-keys'

const gateway = useGateway()
let browser: Browser
let ada: SignedInBrowser
beforeAll(async () => {
  browser = await launchBrowser()
  ada = await signIn(gateway)
}, 60_000)
afterAll(() => browser?.close())

/** A tab of a person's browser. */
async function open(person: SignedInBrowser | undefined, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: gateway.url, ...options })
  context.setDefaultTimeout(10_000)
  const cookies = [...(person?.browser.cookies ?? [])].map(([name, value]) => ({ name, value, url: gateway.url }))
  await context.addCookies(cookies)
  return context.newPage()
}

const verify = (key: string) => api(gateway, 'POST', '/v1/auth/verify-api-key', { key })
const shownKey = (page: Page) => page.getByLabel(/^API key/).inputValue()

async function create(page: Page, name: string): Promise<string> {
  await page.goto(`${PAGE}/new`)
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByRole('button', { name: 'Create the key' }).click()
  return shownKey(page)
}

describe('the life of a key', () => {
  it('created, shown once, used, rotated with grace, revoked, and its history shown', async () => {
    const page = await open(ada)
    const complaints = complaintsOf(page)
    await page.goto(PAGE)
    await checkPage(page, 'empty')
    await page.getByRole('link', { name: 'Create a key' }).click()
    await checkPage(page, 'new')
    await page.getByLabel('Name', { exact: true }).fill('Backup on my laptop')
    await page.getByLabel('Add and change your memories').check()
    await page.getByRole('button', { name: 'Create the key' }).click()
    const key = await shownKey(page)
    expect(key).toMatch(/^lano_[0-9a-f]{64}$/)
    expect(page.url()).not.toContain(key.slice(5, 20))
    await checkPage(page, 'shown')
    expect((await verify(key)).body.permissions).toEqual(['memories:read', 'memories:write'])

    await page.getByRole('link', { name: 'I saved it' }).click()
    const card = page.getByRole('article', { name: 'Backup on my laptop' })
    await expect.poll(() => card.getByText('Add and change your memories').count()).toBe(1)
    expect(await page.content()).not.toContain(key)
    await checkPage(page, 'list')

    await card.getByRole('link', { name: 'Rotate Backup on my laptop' }).click()
    await checkPage(page, 'rotate')
    await page.getByLabel('In 1 hour').check()
    await page.getByRole('button', { name: 'Rotate the key' }).click()
    const rotated = await shownKey(page)
    expect([(await verify(key)).status, (await verify(rotated)).status]).toEqual([200, 200])

    await page.getByRole('link', { name: 'I saved it' }).click()
    await card.getByRole('link', { name: 'Revoke Backup on my laptop' }).click()
    await checkPage(page, 'revoke')
    await page.getByLabel('Reason (optional)').fill('laptop was stolen')
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('The key no longer works.').waitFor()
    expect([(await verify(key)).status, (await verify(rotated)).status]).toEqual([401, 401])

    await page.getByText('Keys that no longer work (1)').click()
    await checkPage(page, 'ended')
    await page.getByRole('link', { name: 'Details and history Backup on my laptop' }).click()
    const history = await page.getByRole('listitem').allInnerTexts()
    for (const words of ['Revoked', 'Rotated', 'Created', 'by you', 'Reason: laptop was stolen'])
      expect(history.join('\n')).toContain(words)
    await checkPage(page, 'details')
    await page.getByRole('link', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('The key was deleted.').waitFor()
    expect(complaints).toEqual([])
    await page.context().close()
  }, 60_000)

  it('the copy button copies', async () => {
    const page = await open(ada, { permissions: ['clipboard-read', 'clipboard-write'] })
    const key = await create(page, 'For the clipboard')
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Copied', { exact: true }).waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key)
    await page.context().close()
  })

  it('a reload makes no other key: within a minute it shows the same one, later none', async () => {
    const page = await open(ada)
    const key = await create(page, 'Only one')
    await page.reload()
    expect(await shownKey(page)).toBe(key)
    await gateway.sql`update auth_gateway.form_states set expires_at = now() where expires_at < now() + interval '1 minute'`
    await page.reload()
    await page.getByText('Already done').waitFor()
    await page.goto(PAGE)
    expect(await page.getByRole('article', { name: 'Only one' }).count()).toBe(1)
    await page.context().close()
  })

  it('all of it works without JavaScript', async () => {
    const page = await open(ada, { javaScriptEnabled: false })
    const key = await create(page, 'Without scripts')
    expect((await verify(key)).status).toBe(200)
    expect(await page.getByRole('button', { name: 'Copy' }).isVisible()).toBe(false)
    await page.context().close()
  })
})

describe('the form', () => {
  it('keeps what was typed and says what is wrong', async () => {
    const page = await open(ada)
    await page.goto(`${PAGE}/new`)
    await page.getByLabel('Name', { exact: true }).fill('Kept')
    await page.getByLabel('1 year').check()
    await page.getByText('Limits').click()
    await page.getByLabel('Only from these addresses').fill('10.0.0.0/99')
    await page.getByRole('button', { name: 'Create the key' }).click()
    expect(await page.getByRole('alert').textContent()).toBe('Enter valid IP addresses or ranges.')
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Kept')
    expect(await page.getByLabel('1 year').isChecked()).toBe(true)
    await checkPage(page, 'new-error')
    await page.getByLabel('Only from these addresses').fill('127.0.0.0/8, ::1')
    await page.getByRole('button', { name: 'Create the key' }).click()
    expect(await shownKey(page)).toMatch(/^lano_/)
    await page.goto(`${PAGE}/new`)
    await page.getByLabel('Name', { exact: true }).fill('kept')
    await page.getByRole('button', { name: 'Create the key' }).click()
    expect(await page.getByRole('alert').textContent()).toBe('There is an active key of this name already.')
    await page.context().close()
  })

  it('a name that is script is a name', async () => {
    const page = await open(ada)
    const complaints = complaintsOf(page)
    await create(page, `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`)
    await page.goto(PAGE)
    expect(await page.title()).toBe('API keys · LanOnasis')
    expect(complaints).toEqual([])
    await page.context().close()
  })
})

it('a key that was found in public says so and can be rotated', async () => {
  const eve = await signIn(gateway)
  const page = await open(eve)
  await create(page, 'Leaked')
  await gateway.sql`update auth_gateway.api_keys set status = 'quarantined' where created_by = ${eve.uai}`
  await page.goto(PAGE)
  await page.getByText('This key was found in public').waitFor()
  await checkPage(page, 'quarantined')
  await page.context().close()
})

describe('another user', () => {
  it('is sent to sign in and back', async () => {
    const page = await open(undefined)
    await page.goto(PAGE)
    expect(new URL(page.url()).pathname).toBe('/web/login')
    expect(new URL(page.url()).searchParams.get('return_to')).toBe(PAGE)
    await page.context().close()
  })

  it('sees and touches no key of another person', async () => {
    const eve = await signIn(gateway)
    const { browser: theirs } = eve
    const [row] = await gateway.sql`select id from auth_gateway.api_keys where created_by = ${ada.uai} limit 1`
    for (const path of ['', '/rotate', '/revoke', '/delete']) {
      const page = await theirs.visit(`${PAGE}/${row?.id}${path}`)
      expect([path, page.status]).toEqual([path, 404])
    }
  })

  it('cannot use a bearer token or a key here: they are no session', async () => {
    const holder = await newKeyHolder()
    for (const authorization of [`Bearer ${holder.token}`, `Bearer ${holder.key}`]) {
      const response = await fetch(`${gateway.url}${PAGE}`, { headers: { authorization }, redirect: 'manual' })
      expect(response.status).toBe(303)
    }
  })

  it('cannot make a signed-in browser post a form from another page', async () => {
    const cookie = [...ada.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const fields = { name: 'forged', scope: 'memories:read', days: 'never', form_id: crypto.randomUUID() }
    const forged = await fetch(`${gateway.url}${PAGE}`, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      redirect: 'manual',
    })
    expect(forged.status).toBe(403)
  })
})

async function newKeyHolder() {
  const person = await directSignIn(gateway)
  const { key } = await newKey(gateway, person)
  return { token: person.token, key }
}
