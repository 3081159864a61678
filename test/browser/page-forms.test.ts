import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { complaintsOf, type Gallery, openGallery } from './gallery.ts'

let gallery: Gallery
let page: Page

beforeAll(async () => {
  gallery = await openGallery()
}, 30_000)
afterEach(() => page?.context().close())
afterAll(() => gallery?.close())

describe('without JavaScript, by keyboard alone', () => {
  it('signs in: address, Enter, code, Enter, and the fields arrive', async () => {
    page = await gallery.page({ javaScriptEnabled: false })
    await gallery.visit(page, 'sign-in-for-client', '/code-for-client')
    await page.keyboard.type('ada@example.com')
    await page.keyboard.press('Enter')
    await page.waitForURL(gallery.at('code-for-client'))
    const fields = { csrf: 'token', return_to: '/oauth/authorize?a=b&c=d', email: 'ada@example.com' }
    expect(gallery.posts).toEqual([{ path: '/web/login', origin: 'null', fields }])

    await gallery.visit(page, 'code-for-client', '/signed-in')
    await page.keyboard.type('123 456')
    await page.keyboard.press('Enter')
    await page.waitForURL(gallery.at('signed-in'))
    const code = { csrf: 'token', code: '123 456' }
    expect(gallery.posts).toEqual([{ path: '/web/login/code', origin: 'null', fields: code }])
  })

  it('asks for a new code two stops past the code', async () => {
    page = await gallery.page({ javaScriptEnabled: false })
    await gallery.visit(page, 'code-for-client', '/code-notice')
    await tab(page, 2)
    await page.keyboard.press('Enter')
    await page.waitForURL(gallery.at('code-notice'))
    expect(gallery.posts).toEqual([{ path: '/web/login/resend', origin: 'null', fields: { csrf: 'token' } }])
  })

  it.each([
    ['allow', 2],
    ['deny', 3],
  ])('decides %s on the consent page at stop %i', async (decision, stops) => {
    page = await gallery.page({ javaScriptEnabled: false })
    await gallery.visit(page, 'consent', '/signed-out')
    await tab(page, stops)
    await page.keyboard.press('Enter')
    await page.waitForURL(gallery.at('signed-out'))
    const authorization_id = '0199b7c4-7c1e-7000-8000-000000000001'
    expect(gallery.posts[0]?.fields).toEqual({ csrf: 'token', authorization_id, decision })
  })

  it('signs out and keeps the hidden fields', async () => {
    page = await gallery.page({ javaScriptEnabled: false })
    await gallery.visit(page, 'confirm-sign-out', '/signed-out')
    await tab(page, 1)
    await page.keyboard.press('Enter')
    await page.waitForURL(gallery.at('signed-out'))
    expect(gallery.posts[0]?.fields).toEqual({ csrf: 'token', state: 'xyz' })
  })
})

describe('keyboard and screen reader', () => {
  const consentStops = ['Use another account', 'Allow', 'Deny', 'Website', 'Privacy policy', 'Terms of service']

  it.each([
    ['sign-in', ['email', 'Send me a code']],
    ['code', ['code', 'Continue', 'Send a new code', 'Use another address']],
    ['consent', [...consentStops, 'Technical details']],
    ['consent-partly-granted', ['Use another account', 'Already allowed (2)', 'Allow', 'Deny']],
    ['error-with-action', ['Back to sign-in']],
    ['confirm-sign-out', ['Sign out', 'Stay signed in']],
    ['signed-in', ['Open the dashboard', 'Sign out']],
  ])('%s: every stop is reached in reading order and shows its focus', async (name, expected) => {
    page = await gallery.page()
    await gallery.visit(page, name, '/')
    const stops: string[] = []
    for (const _ of expected) {
      if (stops.length > 0 || (await page.locator('[autofocus]').count()) === 0) await tab(page, 1)
      const stop = await page.evaluate(focused)
      expect(stop.outline, stop.name).toBe('solid 3px')
      stops.push(stop.name)
    }
    expect(stops).toEqual(expected)
  })

  it.each([
    ['sign-in-error', 'Sign in', 'Enter an e-mail address such as name@example.com.'],
    ['code-error', 'Check your e-mail', 'That code is wrong or too old. Check it, or ask for a new one.'],
  ])('%s: the title says so first, and the focused field names the problem', async (name, title, problem) => {
    page = await gallery.page()
    await gallery.visit(page, name, '/')
    expect(await page.title()).toBe(`Error: ${title} · LanOnasis`)
    const field = page.locator('input:focus')
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await field.getAttribute('aria-describedby')).toMatch(/^problem /)
    expect(await page.locator('#problem[role=alert]').textContent()).toBe(problem)
  })

  it('fields have the autocomplete attributes for phones and password managers', async () => {
    page = await gallery.page()
    await gallery.visit(page, 'sign-in', '/')
    const email = page.getByLabel('E-mail address')
    expect(await email.getAttribute('autocomplete')).toBe('email')
    expect(await email.getAttribute('inputmode')).toBe('email')
    await gallery.visit(page, 'code', '/')
    const code = page.getByLabel('6-digit code')
    expect(await code.getAttribute('autocomplete')).toBe('one-time-code')
    expect(await code.getAttribute('inputmode')).toBe('numeric')
  })

  it('the browser refuses nothing that the server can read', async () => {
    page = await gallery.page()
    for (const [name, label, typed] of [
      ['code', '6-digit code', '\u0661\u0662\u0663\u0664\u0665\u0666'],
      ['code', '6-digit code', ' 123-456 is your LanOnasis code. '],
      ['sign-in', 'E-mail address', 'kim@b\u00fccher.example.'],
      [
        'sign-in',
        'E-mail address',
        '\uff4b\uff49\uff4d\uff20\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d',
      ],
    ] as const) {
      await gallery.visit(page, name, '/')
      await page.getByLabel(label).fill(typed)
      expect([await page.getByLabel(label).inputValue(), await page.locator('input:invalid').count()]).toEqual([
        typed,
        0,
      ])
    }
  })
})

describe('after a form post', () => {
  it('303 to a loopback client is followed when its redirect URI is named', async () => {
    await allow(`${gallery.clientOrigin}/callback`, [`${gallery.clientOrigin}/callback`])
    await page.waitForURL(`${gallery.clientOrigin}/callback`)
    expect(await page.title()).toBe('client')
  })

  it("302 of that client's own to an https address is followed too", async () => {
    await allow(`${gallery.clientOrigin}/hop`, [`${gallery.clientOrigin}/hop`])
    const hop = await page.waitForEvent('requestfailed')
    expect(hop.url()).toBe(`${gallery.clientOrigin.replace('http:', 'https:')}/home`)
    expect(hop.failure()?.errorText).toMatch(/^net::ERR_SSL/)
  })

  it('303 to another origin is refused unless it is configured', async () => {
    const complaints = await allow(`${gallery.clientOrigin}/callback`, [])
    await expect.poll(() => complaints.join()).toContain("form-action 'self'")
    expect(page.url()).toBe(gallery.at('consent'))
  })

  async function allow(location: string, formAction: string[]): Promise<string[]> {
    page = await gallery.page()
    const complaints = complaintsOf(page)
    await gallery.visit(page, 'consent', location, formAction)
    await page.getByRole('button', { name: 'Allow' }).click({ noWaitAfter: true })
    return complaints
  }
})

async function tab(page: Page, times: number): Promise<void> {
  for (let pressed = 0; pressed < times; pressed++) await page.keyboard.press('Tab')
}

function focused(): { name: string; outline: string } {
  const element = document.activeElement as HTMLElement
  const { outlineStyle, outlineWidth } = getComputedStyle(element)
  const label = element.textContent?.replace(/\s*\(opens in a new tab\)/, '').trim()
  return { name: label || element.id, outline: `${outlineStyle} ${outlineWidth}` }
}
