import type { Challenge } from 'altcha-lib'
import { describe, expect, test } from 'vitest'
import { MAX_ATTEMPTS } from '../../shared/domain/otp-challenge.ts'
import { allLimits, type Limits, type RuleName, windowsOf } from '../../shared/limits.ts'
import { IP_HEADER, newEmail } from '../support/gateway.ts'
import { codeOf, enrolTotp } from '../support/operators.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { ageCodes, openLimits } from '../support/rows.ts'
import { createBrowser, passSignIn, postJson } from '../support/sign-in.ts'
import { ageLimits } from '../support/time.ts'
import { challengeOn, solve } from '../support/work.ts'

const HOUR = 3600
const DAY = 86_400

/** The most that a limit lets pass in a span of time. */
function mostIn(limits: Limits, rule: RuleName, seconds: number): number {
  const windows = windowsOf(limits, rule, 'worked')
  return Math.min(...windows.map((window) => window.max * Math.ceil(seconds / window.seconds)))
}

describe('what the limits allow, computed', () => {
  const limits = allLimits({})

  test('a mailbox gets at most 12 messages an hour and 40 a day, whoever requests them', () => {
    const most = (seconds: number) => mostIn(limits, 'otp-send', seconds) + mostIn(limits, 'otp-send-known', seconds)
    expect([most(HOUR) <= 12, most(DAY) <= 40]).toEqual([true, true])
  })

  test('strangers guess right with a chance of at most 1 in 5,000 a day', () => {
    const codes = mostIn(limits, 'otp-send', DAY) * MAX_ATTEMPTS + mostIn(limits, 'otp-elsewhere', DAY)
    const texts = mostIn(limits, 'sms-send', DAY) * MAX_ATTEMPTS
    // A code of an app is right for the step before and the one after, too.
    const app = mostIn(limits, 'proof-sign-in', DAY) * 3
    expect((codes + texts + app) / 1_000_000).toBeLessThanOrEqual(1 / 5000)
  })

  test('they fail at most a hundred times until a right code or password', () => {
    expect(['otp-failures', 'password-failures'].map((rule) => limits[rule as RuleName])).toEqual([
      [[{ max: 100, seconds: 30 * DAY }]],
      [[{ max: 100, seconds: 30 * DAY }]],
    ])
  })
})

describe('fifty IPv4 and fifty IPv6 networks against one person', () => {
  // The limits of one factor alone.
  const gateway = usePasswordGateway({ SMS_COUNTRIES: 'CH', SECOND_FACTOR_POLICY: 'never' })

  const strangers = Array.from({ length: 50 }, (_, n) => [`198.51.${n}.7`, `2001:db8:${n + 1}::7`]).flat()
  const from = (ip: string) => ({ [IP_HEADER]: ip })
  const send = (email: string, ip: string) => postJson(gateway, '/v1/auth/otp/send', { email }, from(ip))
  const verify = (email: string, token: string, ip: string) =>
    postJson(gateway, '/v1/auth/otp/verify', { email, token }, from(ip))
  const login = (email: string, password: string, ip: string) =>
    postJson(gateway, '/v1/auth/login', { email, password, platform: 'cli' }, from(ip))
  const mailsTo = (email: string) => gateway.inbox.sent.filter(({ to }) => to === email).length
  const inBatches = async <T>(all: T[], work: (one: T) => Promise<unknown>) => {
    for (let at = 0; at < all.length; at += 20) await Promise.all(all.slice(at, at + 20).map(work))
  }

  test('the owner signs in at the first try in a known browser, with another factor, and where their code was asked for', async () => {
    const [email, browser] = [gateway.addUser(newEmail('owner')), createBrowser(gateway)]
    await browser.submit(await browser.visit('/web/password'), { email, password: PASSWORD }, '/web/password')
    const app = await enrolTotp({ browser, email, uai: '' })
    const shown = await browser.submit(await browser.visit('/account/recovery-codes'), {}, '/recovery-codes')
    const [, recoveryCode = ''] = /<li>([-A-Z2-9]{14})<\/li>/.exec(shown.html) ?? []
    await ageLimits(gateway.sql, DAY)
    const client = '203.0.113.9'
    expect((await send(email, client)).status).toBe(200)
    const code = gateway.inbox.codeFor(email)
    const wrong = code === '000000' ? '111111' : '000000'

    let wrongPasswords = 0
    await inBatches(strangers, async (ip) => {
      await send(email, ip)
      for (let n = 0; n < 6; n++) await verify(email, wrong, ip)
      await verify(newEmail('nobody'), wrong, ip)
      if ((await login(email, 'wrong', ip)).status === 401) wrongPasswords++
      const page = createBrowser(gateway)
      await page.submit(await page.visit('/web/without-mail'), { email, code: wrong }, '/web/without-mail')
    })
    expect(wrongPasswords).toBe(20)
    expect(mailsTo(email)).toBeLessThanOrEqual(12)

    // Without cookies: the code of its own send, from the network that asked.
    expect((await verify(email, code, '203.0.113.200')).status).toBe(200)
    // In the browser that is known.
    browser.cookies.delete('lanonasis_session')
    expect((await passSignIn(gateway, browser, await browser.visit('/web/login'), email)).location).toContain(
      '/dashboard',
    )
    for (const [path, fields] of [
      ['/web/without-mail', { email, code: codeOf(app, 0) }],
      ['/web/password', { email, password: PASSWORD }],
    ] as const) {
      browser.cookies.delete('lanonasis_session')
      await browser.submit(await browser.visit(path), fields, path)
      expect(browser.cookies.has('lanonasis_session'), path).toBe(true)
    }
    // In a new browser, with a code that no one guesses.
    const fresh = createBrowser(gateway)
    const page = await fresh.visit('/web/without-mail')
    await fresh.submit(page, { email, code: recoveryCode }, '/web/without-mail')
    expect(fresh.cookies.has('lanonasis_session')).toBe(true)
  }, 300_000)

  test('the owner signs in with a new browser at the first try, after one proof of work', async () => {
    const email = newEmail('owner')
    for (const ip of strangers) {
      await send(email, ip)
      await openLimits(gateway, 'otp-send-pause:')
      await verify(email, '000000', ip)
    }
    const browser = createBrowser(gateway)
    const asked = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
    const altcha = await solve(challengeOn(asked) as Challenge)
    const codePage = await browser.submit(asked, { altcha }, '/web/login')
    await browser.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code')
    expect(browser.cookies.has('lanonasis_session')).toBe(true)
    expect(mailsTo(email)).toBe(6)
  }, 300_000)

  test('the mailbox gets no more in any hour and day than the limits allow, from any caller', async () => {
    const email = newEmail('mailbox')
    const hours: number[] = []
    for (let hour = 0; hour < 25; hour++) {
      const before = mailsTo(email)
      await inBatches(strangers.slice((hour * 4) % 90, ((hour * 4) % 90) + 8), (ip) => send(email, ip))
      await openLimits(gateway, 'otp-send-pause:')
      await send(email, `192.0.${hour}.1`)
      hours.push(mailsTo(email) - before)
      await ageLimits(gateway.sql, HOUR)
    }
    expect(Math.max(...hours)).toBeLessThanOrEqual(5)
    expect(hours.slice(0, 24).reduce((sum, one) => sum + one, 0)).toBe(10)
  }, 300_000)

  test('text messages from a thousand networks: a proven number still gets one', async () => {
    const sms = (phone: string, ip: string) => postJson(gateway, '/v1/auth/otp/send', { phone }, from(ip))
    const proven = '+41791234567'
    const textsTo = (phone: string) => gateway.inbox.sent.filter(({ to }) => to === phone).length
    expect((await sms(proven, '203.0.113.1')).status).toBe(200)
    const entered = { phone: proven, token: gateway.inbox.codeFor(proven) }
    expect((await postJson(gateway, '/v1/auth/otp/verify', entered, from('203.0.113.1'))).status).toBe(200)
    await ageLimits(gateway.sql, DAY)
    const networks = Array.from({ length: 1000 }, (_, n) => n)
    await inBatches(networks.slice(0, 40), (n) => sms(`+4178${2_000_000 + n * 1009}`, `100.${n >> 8}.${n & 255}.1`))
    await ageCodes(gateway, 3 * 60)
    await inBatches(networks.slice(40), (n) => sms(`+4178${2_000_000 + n * 1009}`, `100.${n >> 8}.${n & 255}.1`))
    const newcomer = await sms('+41785550199', '203.0.114.1')
    const answer = await sms(proven, '203.0.115.1')
    expect([newcomer.status, answer.status]).toEqual([200, 200])
    expect(Object.keys(answer.body)).toEqual(Object.keys(newcomer.body))
    await expect.poll(() => textsTo(proven)).toBe(2)
    expect(textsTo('+41785550199')).toBe(0)
  }, 300_000)
})
