import type { Challenge } from 'altcha-lib'
import { describe, expect, test } from 'vitest'
import { IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { createBrowser, type Page, postJson, signIn, textOf } from '../support/sign-in.ts'
import { kindOf } from '../support/tab-sign-in.ts'
import { withClockAhead } from '../support/time.ts'
import { challengeOn, solve } from '../support/work.ts'

const SEND = '/v1/auth/otp/send'

const gateway = useGateway({ env: { LIMITS: 'otp-send=2/1h 10/1d | 3/1h 10/1d | 4/1h 10/1d' } })

const byProgram = (email: string, work?: string) =>
  postJson(gateway, SEND, { email }, { [IP_HEADER]: randomIp(), ...(work && { 'x-altcha': work }) })
const endPause = () => openLimits(gateway, 'otp-send-pause:')

/** A mailbox for which strangers have used up what callers without a proof of work may ask for. */
async function hotMailbox(): Promise<string> {
  const email = newEmail('hot')
  for (let n = 0; n < 2; n++) {
    await byProgram(email)
    await endPause()
  }
  return email
}

async function challengeFor(email: string): Promise<Challenge> {
  const { status, body } = await byProgram(email)
  expect([status, body.code]).toEqual([429, 'OTP_RATE_LIMITED'])
  return body.proof_of_work
}

async function askFor(email: string, browser = createBrowser(gateway)) {
  const page = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
  return { browser, page }
}

describe('a person whose mailbox limit others have used up', () => {
  test('gets a code in a new browser after one proof of work', async () => {
    const email = await hotMailbox()
    const { browser, page } = await askFor(email)
    expect([page.status, page.headers.get('retry-after')]).toEqual([429, '60'])
    const altcha = await solve(challengeOn(page) as Challenge)
    const code = await browser.submit(page, { altcha }, '/web/login')
    expect(kindOf(code)).toBe('code')
    await browser.submit(code, { code: gateway.inbox.codeFor(email) }, '/web/code')
    expect(browser.cookies.has('lanonasis_session')).toBe(true)
  })

  test('gets one without scripts after a minute', async () => {
    const email = await hotMailbox()
    const { browser, page } = await askFor(email)
    const code = await withClockAhead(61_000, () => browser.submit(page, {}, '/web/login'))
    expect(kindOf(code)).toBe('code')
    // What waiting opens is less than what a proof of work does.
    await endPause()
    const next = await askFor(email)
    expect([next.page.status, next.page.headers.get('retry-after') === '60']).toEqual([429, false])
    expect(challengeOn(next.page)).toBeDefined()
  })

  test('is not asked for any in a browser that they signed in with', async () => {
    const ada = await signIn(gateway)
    await openLimits(gateway)
    for (let n = 0; n < 2; n++) {
      await byProgram(ada.email)
      await endPause()
    }
    ada.browser.cookies.delete('lanonasis_session')
    expect(kindOf((await askFor(ada.email, ada.browser)).page)).toBe('code')
  })

  test('proves it in a program, by a header', async () => {
    const email = await hotMailbox()
    const work = await solve(await challengeFor(email))
    expect((await byProgram(email, work)).status).toBe(200)
  })
})

describe('a proof of work is valid', () => {
  test('once: of 20 at the same time one passes', async () => {
    const email = await hotMailbox()
    const work = await solve(await challengeFor(email))
    const answers = await Promise.all(Array.from({ length: 20 }, () => byProgram(email, work)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('for its own address, for ten minutes, and only as it was issued', async () => {
    const [email, other] = [await hotMailbox(), await hotMailbox()]
    const challenge = await challengeFor(email)
    const work = await solve(challenge)
    expect((await byProgram(other, work)).status).toBe(429)
    const easy = { ...challenge, parameters: { ...challenge.parameters, keyPrefix: '0' } }
    expect((await byProgram(email, await solve(easy))).status).toBe(429)
    for (const junk of ['', '!', 'bnVsbA==', 'A'.repeat(5000)]) expect((await byProgram(email, junk)).status).toBe(429)
    const late = await withClockAhead(601_000, () => byProgram(email, work))
    expect(late.status).toBe(429)
    expect((await byProgram(email, work)).status).toBe(200)
  })

  test('no further than its own limits', async () => {
    const email = await hotMailbox()
    for (let n = 0; n < 2; n++)
      expect((await byProgram(email, await solve(await challengeFor(email)))).status).toBe(200)
    expect(await byProgram(email)).toMatchObject({ status: 429, body: { code: 'OTP_RATE_LIMITED' } })
    expect((await byProgram(email)).body.proof_of_work).toBeUndefined()
    const { page }: { page: Page } = await askFor(email)
    expect([page.status, challengeOn(page), /Try again in \d+ minutes\./.test(textOf(page))]).toEqual([
      429,
      undefined,
      true,
    ])
  })
})
