import AxeBuilder from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { Resend } from 'resend'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCode } from '../../scripts/mailbox/messages.ts'
import { type Mailbox, startMailbox } from '../../scripts/mailbox.ts'
import { renderOtpEmail } from '../../supabase/functions/_shared/templates/otp-email.ts'
import { launchBrowser } from '../support/browser.ts'

const apiKey = 're_mailbox'
let mailbox: Mailbox
let resend: Resend

beforeAll(async () => {
  mailbox = await startMailbox({ port: 0, apiKey })
  resend = new Resend(apiKey, { baseUrl: mailbox.url })
})
afterAll(() => mailbox?.stop())

const mail = (to: string, code = '482913') => ({
  from: 'LanOnasis <signin@lanonasis.com>',
  to,
  ...renderOtpEmail({ code, origin: 'auth.lanonasis.com', expiresIn: 600 }),
})
const list = async (query = '') => (await fetch(`${mailbox.url}/messages.json${query}`)).json()

describe('as the provider', () => {
  it('200 with an id, and the message with its code in /messages.json, newest first', async () => {
    const { data } = await resend.emails.send(mail('first@example.com', '111111'))
    await resend.emails.send(mail('Second Person <second@example.com>', '222222'))
    const messages = await list()
    expect(messages.map((message: { code: string }) => message.code)).toEqual(['222222', '111111'])
    expect(messages[1]).toMatchObject({
      id: data?.id,
      to: ['first@example.com'],
      subject: 'Your LanOnasis sign-in code',
    })
    expect(await list('?to=SECOND@example.com')).toHaveLength(1)
    expect(await list('?limit=1')).toHaveLength(1)
  })

  it('200 with the same id for the same idempotency key and body, 409 for another body', async () => {
    const idempotencyKey = 'key-1'
    const first = await resend.emails.send(mail('once@example.com'), { idempotencyKey })
    const second = await resend.emails.send(mail('once@example.com'), { idempotencyKey })
    expect(second.data?.id).toBe(first.data?.id)
    expect(await list('?to=once@example.com')).toHaveLength(1)
    const other = await resend.emails.send(mail('once@example.com', '999999'), { idempotencyKey })
    expect(other.error).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' })
  })

  it.each([
    [
      '403 invalid_api_key',
      { statusCode: 403, name: 'invalid_api_key' },
      { authorization: 'Bearer re_wrong' },
      mail('a@example.com'),
    ],
    ['401 missing_api_key', { statusCode: 401, name: 'missing_api_key' }, {}, mail('a@example.com')],
    [
      '400 invalid_idempotency_key',
      { statusCode: 400, name: 'invalid_idempotency_key' },
      { 'idempotency-key': 'x'.repeat(257) },
      mail('a@example.com'),
    ],
    [
      '422 without a recipient',
      { name: 'missing_required_field', message: 'Missing `to` field.' },
      {},
      { ...mail('a@b'), to: undefined },
    ],
    [
      '422 for a recipient that is none',
      { name: 'validation_error', message: 'Invalid `to` field.' },
      {},
      mail('nobody'),
    ],
    [
      '422 for a sender that is none',
      { name: 'validation_error', message: 'Invalid `from` field.' },
      {},
      { ...mail('a@b'), from: 'LanOnasis' },
    ],
    [
      '422 without a body',
      { name: 'validation_error', message: 'Missing `html` or `text` field.' },
      {},
      { from: 'a@b', to: 'c@d', subject: 'x' },
    ],
  ])('%s', async (_, expected, headers, body) => {
    const authorization = expected.name === 'missing_api_key' ? {} : { authorization: `Bearer ${apiKey}` }
    const response = await fetch(`${mailbox.url}/emails`, {
      method: 'POST',
      headers: new Headers({ ...authorization, ...headers } as Record<string, string>),
      body: JSON.stringify(body),
    })
    expect(await response.json()).toMatchObject({ statusCode: response.status, ...expected })
  })

  it('keeps the last 200 messages', async () => {
    const small = await startMailbox({ port: 0, apiKey })
    const sender = new Resend(apiKey, { baseUrl: small.url })
    for (let n = 0; n < 205; n++) await sender.emails.send({ from: 'a@b', to: 'c@d', subject: `no. ${n}`, text: 'x' })
    const subjects = (await (await fetch(`${small.url}/messages.json`)).json()).map(
      (one: { subject: string }) => one.subject,
    )
    expect([subjects.length, subjects[0], subjects.at(-1)]).toEqual([200, 'no. 204', 'no. 5'])
    await small.stop()
  })
})

it.each([
  ['Hello 2026\n\n    482913\n\n10 minutes', '482913'],
  ['Your code is 123456.', '123456'],
  ['https://example.com/a-123456-b', null],
  ['Nothing here', null],
])('the code in %j is %s', (text, code) => {
  expect(findCode(text)).toBe(code)
})

describe('the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())

  it.each(['light', 'dark'] as const)(
    'has no accessibility fault, at desktop and phone width (%s)',
    async (colorScheme) => {
      await resend.emails.send(mail('reader@example.com'))
      const [{ id, html }] = await list()
      const context = await browser.newContext({ colorScheme })
      const page = await context.newPage()
      const inspect = async (...withoutRules: string[]) => {
        const axe = new AxeBuilder({ page }).exclude('iframe').setLegacyMode().disableRules(withoutRules)
        const { violations } = await axe.analyze()
        expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      }
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 })
        for (const path of ['/', `/messages/${id}`]) {
          await page.goto(mailbox.url + path)
          await inspect()
        }
        await page.goto('about:blank')
        await page.setContent(html)
        await inspect('landmark-one-main', 'region')
      }
      await context.close()
    },
  )

  it('shows a new message automatically and copies its code', async () => {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
    const page = await context.newPage()
    await page.goto(`${mailbox.url}/?to=late@example.com`)
    expect(await page.textContent('#list')).toContain('No messages yet.')
    await resend.emails.send(mail('late@example.com', '707070'))
    await page.click('#opened button.copy:text("Copy")')
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('707070')
    await context.close()
  })

  it('runs no script of a message and escapes what it shows', async () => {
    const html = '<p>hi</p><script>parent.document.title = "owned"; document.title = "owned"</script>'
    const subject = '<img src=x onerror="document.title=1">'
    await resend.emails.send({ from: 'a@b', to: 'evil@example.com', subject, html, text: '</pre><script>1</script>' })
    const page = await browser.newPage()
    await page.goto(`${mailbox.url}/?to=evil@example.com`)
    expect(await page.textContent('#opened h2')).toBe(subject)
    expect(await page.title()).toBe('Local mailbox')
    const [{ id }] = await list('?to=evil@example.com')
    await page.goto(`${mailbox.url}/messages/${id}/html`)
    expect(await page.title()).not.toBe('owned')
    await page.close()
  })

  it('404 for a message that is gone', async () => {
    const response = await fetch(`${mailbox.url}/messages/none`)
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('This message is gone')])
  })
})
