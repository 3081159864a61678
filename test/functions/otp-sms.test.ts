import { decodeJwt } from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { eventsOf, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { ageCodes, fillLimits, openLimits } from '../support/rows.ts'
import { createBrowser, postJson } from '../support/sign-in.ts'

const PAUSED =
  'Text messages to new numbers are paused. If someone has signed in with this number before, a code is on its way.'

const gateway = useGateway({ env: { SMS_COUNTRIES: 'CH,DE,US', SMS_DAILY_CAP: '60', SMS_BREAKER_SENDS: '5' } })
afterEach(async () => {
  gateway.inbox.recover()
  await openLimits(gateway)
})

let last = 0
/** A Swiss mobile number that is unique in this run. */
function newNumber(): string {
  last += 7919
  return `+4178${1_000_000 + last}`
}
const send = (body: object, ip = randomIp()) => postJson(gateway, '/v1/auth/otp/send', body, { 'x-real-ip': ip })
const verify = (phone: string, token: string, ip = randomIp()) =>
  postJson(gateway, '/v1/auth/otp/verify', { phone, token }, { 'x-real-ip': ip })
const wrongFor = (phone: string) => (gateway.inbox.codeFor(phone) === '000000' ? '111111' : '000000')

test('200 and a person known by the number, who is the same the next time', async () => {
  const phone = newNumber()
  const sent = await send({ phone })
  expect([sent.status, sent.body]).toMatchObject([200, { success: true, type: 'sms', expires_in: 600 }])
  expect(gateway.inbox.sent.at(-1)?.body).toMatchObject({ type: 'otp.sms', to: phone, expires_in: 600 })
  const first = await verify(phone, gateway.inbox.codeFor(phone))
  expect(first).toMatchObject({ status: 200, body: { auth_method: 'otp', user: { email: '' } } })
  // An empty address in a token would make all people without one the same person to consumers that match by it.
  expect(decodeJwt(first.body.access_token)).not.toHaveProperty('email')
  await openLimits(gateway)
  await send({ phone, type: 'sms' })
  const second = await verify(phone, gateway.inbox.codeFor(phone))
  expect(second.body.user.id).toBe(first.body.user.id)
  const [session] = (await eventsOf(gateway, 'session')).slice(-1)
  expect(session?.data).toMatchObject({ method: 'otp', amr: ['otp', 'sms'] })
  const stored = JSON.stringify(await gateway.sql`select data, metadata from auth_gateway.event_store`)
  expect(stored).not.toContain(phone.slice(1))
})

test.each([
  ['with blanks and hyphens', '+41 (79) 345-67-89'],
  ['with two zeros', '0041 79 345 67 89'],
  ['of the first country, without its code', '079 345 67 89'],
])('200 for a number written %s', async (_, phone) => {
  expect((await send({ phone })).status).toBe(200)
  expect(gateway.inbox.sent.at(-1)?.to).toBe('+41793456789')
})

describe('what is refused, and nothing is sent', () => {
  test.each([
    ['INVALID_PHONE', 'a premium number', '+41900123456'],
    ['INVALID_PHONE', 'a toll-free number', '+18005550199'],
    ['INVALID_PHONE', 'a fixed line', '+41443456789'],
    ['INVALID_PHONE', 'a number too short', '+41793456'],
    ['INVALID_PHONE', 'an extension', '+41793456789;ext=5'],
    ['INVALID_PHONE', 'words around a number', 'call +41793456789'],
    ['INVALID_PHONE', 'a line break', '+41793456789\r\n+41793456780'],
    ['PHONE_UNSUPPORTED', 'a satellite telephone', '+881612345678'],
    ['PHONE_UNSUPPORTED', 'a country that is not on the list', '+447911123456'],
    ['PHONE_UNSUPPORTED', 'a Caribbean number that looks American', '+18765551234'],
  ])('400 %s for %s', async (code, _, phone) => {
    const before = gateway.inbox.attempts
    const { status, body } = await send({ phone })
    expect([status, body.code, gateway.inbox.attempts]).toEqual([400, code, before])
  })

  test('400 for both an address and a number, and for a type without its address', async () => {
    expect((await send({ phone: newNumber(), email: newEmail() })).body.code).toBe('INVALID_REQUEST')
    expect((await send({ email: newEmail(), type: 'sms' })).body.code).toBe('MISSING_PHONE')
    expect((await send({ phone: newNumber(), type: 'email' })).body.code).toBe('MISSING_EMAIL')
    expect((await send({})).body.code).toBe('MISSING_EMAIL')
  })

  test('400 when the provider refuses the number permanently, and the code is void', async () => {
    const phone = newNumber()
    gateway.inbox.fail({ status: 422, code: 'recipient_refused' })
    expect(await send({ phone })).toMatchObject({ status: 400, body: { code: 'OTP_UNDELIVERABLE' } })
    const [message] = (await eventsOf(gateway, 'message')).slice(-1)
    expect(message).toMatchObject({ event_type: 'MessageFailed', data: { reason: 'recipient_refused', attempts: 1 } })
  })
})

describe('the rules of a code are those of a code by mail', () => {
  test('400 after five wrong tries, even for the right code', async () => {
    const phone = newNumber()
    await send({ phone })
    for (let tries = 0; tries < 5; tries++) expect((await verify(phone, wrongFor(phone))).body.code).toBe('OTP_INVALID')
    expect((await verify(phone, gateway.inbox.codeFor(phone))).body.code).toBe('OTP_INVALID')
  })

  test('200 for one of twenty parallel tries of the right code, and one session', async () => {
    const phone = newNumber()
    await send({ phone })
    const code = gateway.inbox.codeFor(phone)
    const before = (await eventsOf(gateway, 'session')).length
    const all = await Promise.all(Array.from({ length: 20 }, () => verify(phone, code)))
    expect(all.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(400)])
    expect(await eventsOf(gateway, 'session')).toHaveLength(before + 1)
  })

  test('two hundred guesses from as many addresses touch no code, and the right one verifies where it was asked for', async () => {
    const [phone, ip] = [newNumber(), randomIp()]
    await send({ phone }, ip)
    const wrong = wrongFor(phone)
    const statuses: number[] = []
    for (let round = 0; round < 4; round++)
      statuses.push(
        ...(await Promise.all(Array.from({ length: 50 }, () => verify(phone, wrong)))).map((one) => one.status),
      )
    expect(statuses).toEqual(Array(200).fill(400))
    const events = await eventsOf(gateway, 'otp_challenge', gateway.inbox.sent.at(-1)?.id)
    expect(events.map(({ event_type }) => event_type)).toEqual(['OtpChallengeIssued'])
    expect((await verify(phone, gateway.inbox.codeFor(phone), ip)).status).toBe(200)
  }, 60_000)
})

describe('what it costs', () => {
  test('429 for the eleventh message to one caller in an hour', async () => {
    const ip = randomIp()
    for (let count = 0; count < 10; count++) {
      const phone = newNumber()
      expect((await send({ phone }, ip)).status).toBe(200)
      await verify(phone, gateway.inbox.codeFor(phone), ip)
    }
    expect((await send({ phone: newNumber() }, ip)).body.code).toBe('OTP_RATE_LIMITED')
    await ageCodes(gateway, 7200)
  })

  test('nothing is sent for the thirteenth unused code to one block of numbers, and a verified number of it still gets one', async () => {
    const proven = '+41761234999'
    await send({ phone: proven })
    await verify(proven, gateway.inbox.codeFor(proven))
    const numbers = Array.from({ length: 18 }, (_, index) => `+41761234${String(100 + index)}`)
    const sent: boolean[] = []
    for (const phone of numbers) {
      expect((await send({ phone })).status).toBe(200)
      sent.push(gateway.inbox.sent.some(({ to }) => to === phone))
      await openLimits(gateway, 'sms-country')
      await gateway.sql`update auth_gateway.otp_challenges set issued_at = issued_at - interval '65 minutes'
        where issued_at > now() - interval '1 hour'`
    }
    // The one that was entered makes up for five.
    expect(sent).toEqual([...Array(16).fill(true), false, false])
    await openLimits(gateway)
    expect((await send({ phone: proven })).body.message).toBe(PAUSED)
    await vi.waitFor(() => expect(gateway.inbox.sent.filter(({ to }) => to === proven)).toHaveLength(2))
  })

  test.each([
    ['caller', 6, (n: number) => (n < 0 ? '203.0.113.1' : '198.51.100.7')],
    ['network, IPv4', 12, (n: number) => (n < 0 ? '203.0.113.2' : `198.51.101.${n}`)],
    ['caller, IPv6', 6, (n: number) => (n < 0 ? '2001:db9::1' : `2001:dba:1:2::${n + 1}`)],
    ['network, IPv6', 12, (n: number) => (n < 0 ? '2001:db9::2' : `2001:dba:2:${n + 1}::1`)],
  ])('429 for one %s after %i codes that no one entered, and not for another', async (_, most, ip) => {
    const answers: number[] = []
    for (let n = 0; n <= most; n++) {
      answers.push((await send({ phone: newNumber() }, ip(n))).status)
      await openLimits(gateway)
      await gateway.sql`update auth_gateway.otp_challenges set issued_at = issued_at - interval '65 minutes'
        where issued_at > now() - interval '1 hour'`
    }
    expect(answers).toEqual([...Array(most).fill(200), 429])
    expect((await send({ phone: newNumber() }, ip(-1))).status).toBe(200)
    await gateway.sql`delete from auth_gateway.lookup_digests where kind like 'sms_%'`
  })

  test('newcomers get nothing once their share of the day is used up, not for a proven number; a raised cap lifts it', async () => {
    const proven = newNumber()
    await send({ phone: proven })
    await verify(proven, gateway.inbox.codeFor(proven))
    await openLimits(gateway)
    for (let count = 0; count < 42; count++) {
      expect((await send({ phone: newNumber() })).status).toBe(200)
      await gateway.sql`delete from auth_gateway.rate_limits where bucket not like 'sms-day%'`
      await gateway.sql`delete from auth_gateway.lookup_digests where kind like 'sms_%'`
      await ageCodes(gateway, 7200)
    }
    const refused = await Promise.all(Array.from({ length: 5 }, () => send({ phone: newNumber() })))
    for (const { status, body } of refused)
      expect([status, body]).toEqual([200, expect.objectContaining({ message: PAUSED, retry_after: 3600 })])
    expect((await send({ email: newEmail() })).status).toBe(200)
    expect((await send({ phone: proven })).body).toEqual(refused[0]?.body)
    await vi.waitFor(() => expect(gateway.inbox.sent.filter(({ to }) => to === proven)).toHaveLength(2))
    expect(gateway.inbox.sent.at(-1)?.to).toBe(proven)
    const trips = async () => (await eventsOf(gateway, 'sms_breaker')).map(({ event_type, data }) => [event_type, data])
    expect(await trips()).toEqual([
      ['SmsBreakerTripped', expect.objectContaining({ country: '*', cause: 'daily_cap', sent: 42 })],
    ])
    await fillLimits(gateway, 'sms-day', 41)
    expect((await send({ phone: newNumber() })).status).toBe(200)
    expect((await trips()).at(-1)).toEqual(['SmsBreakerLifted', { reason: 'messages are available again' }])
  }, 60_000)

  test('newcomers get nothing for a while in a country where no codes are entered; other countries and verified numbers do', async () => {
    const proven = newNumber()
    await send({ phone: proven })
    await verify(proven, gateway.inbox.codeFor(proven))
    await ageCodes(gateway, 7200)
    for (let count = 0; count < 5; count++) expect((await send({ phone: newNumber() })).status).toBe(200)
    await ageCodes(gateway, 180)
    const refused = await Promise.all(Array.from({ length: 8 }, () => send({ phone: newNumber() })))
    expect(refused.map(({ body }) => body.message)).toEqual(Array(8).fill(PAUSED))
    const trips = (await eventsOf(gateway, 'sms_breaker')).filter(({ data }) => data.cause === 'pumping')
    expect(trips.map(({ data }) => data)).toEqual([
      { country: 'CH', cause: 'pumping', sent: 5, entered: 0, until: expect.any(String) },
    ])
    expect((await send({ phone: '+4915123456789' })).body.message).not.toBe(PAUSED)
    await openLimits(gateway)
    const answered = [await send({ phone: newNumber() }), await send({ phone: proven })]
    expect(answered.map(({ status }) => status)).toEqual([200, 200])
    expect(answered.map(({ body }) => ({ ...body, retry_after: 900 - body.retry_after < 60 }))).toEqual(
      Array(2).fill({ success: true, type: 'sms', expires_in: 600, message: PAUSED, retry_after: true }),
    )
    await vi.waitFor(() => expect(gateway.inbox.sent.filter(({ to }) => to === proven)).toHaveLength(2))
    // Half open: a few go out, and no more until one of them is entered.
    await gateway.sql`update auth_gateway.sms_breakers set until = now(), tripped_at = now() - interval '16 minutes'`
    const [first = '', ...more] = Array.from({ length: 5 }, newNumber)
    for (const phone of [first, ...more]) expect((await send({ phone })).status).toBe(200)
    expect((await send({ phone: newNumber() })).body.message).toBe(PAUSED)
    expect((await verify(first, gateway.inbox.codeFor(first))).status).toBe(200)
    expect((await send({ phone: newNumber() })).status).toBe(200)
  }, 60_000)
})

describe('on the sign-in page', () => {
  test('a code by text message is offered, asked for and entered', async () => {
    const browser = createBrowser(gateway)
    const start = await browser.visit('/web/login')
    expect(start.html).toContain('href="/web/login?by=phone"')
    const page = await browser.visit('/web/login?by=phone')
    const phone = newNumber()
    const wrong = await browser.submit(page, { phone: '12' }, '/web/login')
    expect([wrong.status, wrong.html]).toEqual([400, expect.stringContaining('not a mobile number')])
    const codePage = await browser.submit(wrong, { phone }, '/web/login')
    expect(codePage.html).toContain(phone)
    expect(codePage.html).toContain('Check your telephone')
    await openLimits(gateway)
    const again = await browser.submit(codePage, {}, '/web/code/resend')
    const done = await browser.submit(again, { code: gateway.inbox.codeFor(phone) }, '/web/code')
    expect(done.location).toContain('/dashboard')
    expect(browser.cookies.has('lanonasis_session')).toBe(true)
  })
})
