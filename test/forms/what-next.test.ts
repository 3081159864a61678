import { describe, expect, test } from 'vitest'
import { rules } from '../../shared/limits.ts'
import { newEmail, useGateway } from '../support/gateway.ts'
import { enrolTotp } from '../support/operators.ts'
import { openLimits, setStatus } from '../support/rows.ts'
import { createBrowser, formsOf, type Page, signIn, textOf } from '../support/sign-in.ts'

const SUPPORT = 'help@lanonasis.test'

const LIMITS = Object.keys(rules)
  .filter((name) => /^(otp-send-ip|proof-sign-in-ip|user-code|user-code-session)$/.test(name))
  .map((name) => `${name}=1/1h`)
  .join()
const gateway = useGateway({ env: { SUPPORT_URL: `mailto:${SUPPORT}`, LIMITS } })

describe('a person who is refused reads what to do next and whom to write to', () => {
  test('403 at sign-in: a suspended person, after the right code', async () => {
    const ada = await signIn(gateway)
    await setStatus(gateway, ada.uai, 'suspended')
    await openLimits(gateway)
    const browser = createBrowser(gateway)
    const code = await browser.submit(await browser.visit('/web/login'), { email: ada.email }, '/web/login')
    const page = await browser.submit(code, { code: gateway.inbox.codeFor(ada.email) }, '/web/code')
    expect([page.status, browser.cookies.has('lanonasis_session')]).toEqual([403, false])
    expect(textOf(page)).toContain('This account is suspended. It cannot be used to sign in.')
    expect(textOf(page)).toContain(`Do you need help? Write to ${SUPPORT} and give the reference below.`)
    expect(page.html).toContain(`href="mailto:${SUPPORT}"`)
  })

  test('the session of a suspended person leads to sign-in', async () => {
    const ada = await signIn(gateway)
    await setStatus(gateway, ada.uai, 'suspended')
    const page = await ada.browser.visit('/account')
    expect(new URL(page.url).pathname).toBe('/web/login')
  })

  test('403 at the console: a person who is not an operator may use another account', async () => {
    const ada = await signIn(gateway)
    const page = await ada.browser.visit('/admin')
    expect(page.status).toBe(403)
    expect(textOf(page)).toContain(`You are signed in as ${ada.email}, which is not an operator account.`)
    expect(textOf(page)).toContain(SUPPORT)
    const [, href = ''] = /<a class="button primary" href="([^"]+)">Sign in with another account/.exec(page.html) ?? []
    const again = await ada.browser.visit(href.replaceAll('&amp;', '&'))
    expect([again.status, formsOf(again)[0]?.fields.return_to]).toEqual([200, '/admin'])
  })

  test('403 from a sign-in at another service: the sign-in page says so', async () => {
    const page = await createBrowser(gateway).visit('/web/login?error=account_suspended')
    expect(textOf(page)).toContain('This account is suspended.')
    expect(textOf(page)).toContain(`Do you need help? Write to ${SUPPORT} .`)
  })
})

test('the cookies of a session that was ended elsewhere are cleared with the next answer', async () => {
  const ada = await signIn(gateway)
  await gateway.sql`update auth_gateway.sessions set ended_at = now(), end_reason = 'revoked' where uai = ${ada.uai}`
  await ada.browser.visit('/account')
  expect(['lanonasis_session', 'lanonasis_user'].filter((name) => ada.browser.cookies.has(name))).toEqual([])
})

describe('a page at a full limit says how long, counts down, and carries Retry-After', () => {
  const send = async (browser: ReturnType<typeof createBrowser>) =>
    browser.submit(await browser.visit('/web/login'), { email: newEmail() }, '/web/login')

  const limited: Record<string, () => Promise<Page>> = {
    'the address for a code': async () => {
      const browser = createBrowser(gateway)
      await send(browser)
      return send(browser)
    },
    'a new code': async () => {
      const browser = createBrowser(gateway)
      return browser.submit(await send(browser), {}, '/web/code/resend')
    },
    'a code without mail': async () => {
      const ada = await signIn(gateway)
      await enrolTotp(ada)
      const browser = createBrowser(gateway)
      const guess = async (code: string) =>
        browser.submit(await browser.visit('/web/without-mail'), { email: newEmail(), code }, '/web/without-mail')
      await guess('111 111')
      return guess('222 222')
    },
    'a device code': async () => {
      const { browser } = await signIn(gateway)
      await browser.visit('/oauth/device?code=BBBB-BBBB')
      return browser.visit('/oauth/device?code=CCCC-CCCC')
    },
  }

  test.each(Object.entries(limited))('429: %s', async (_name, reach) => {
    await openLimits(gateway)
    const page = await reach()
    expect(page.status).toBe(429)
    const [, seconds = ''] = /role="timer"[^>]* data-wait="(\d+)"/.exec(page.html) ?? []
    expect(seconds).toBe(page.headers.get('retry-after'))
    expect(textOf(page)).toMatch(/Try again in \d+ (seconds?|minutes?|hours?)\./)
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[A-Za-z0-9+/]{43}='/)
  })
})

describe('addresses that no route has', () => {
  test('200: the bare host leads a browser to sign-in', async () => {
    const page = await createBrowser(gateway).visit('/')
    expect([page.status, new URL(page.url).pathname]).toEqual([200, '/web/login'])
  })

  test('200: it shows a program where everything is', async () => {
    const [bare, named] = await Promise.all(['/', '/.well-known/onasis.json'].map((path) => fetch(gateway.url + path)))
    expect([bare?.status, await bare?.json()]).toEqual([200, await named?.json()])
  })

  test.each(['/nowhere', '/oauth/nowhere'])('404: %s is a page for a browser and JSON for a program', async (path) => {
    const page = await createBrowser(gateway).visit(path)
    expect([page.status, textOf(page).includes('Page not found')]).toEqual([404, true])
    const program = await fetch(gateway.url + path)
    expect([program.status, program.headers.get('content-type')]).toEqual([404, 'application/json'])
  })
})
