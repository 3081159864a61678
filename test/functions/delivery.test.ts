import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import twilio from 'twilio'
import { uuidv7 } from 'uuidv7'
import { describe, expect, test, vi } from 'vitest'
import { messages } from '../../scripts/messages.ts'
import { createCall } from '../../shared/call.ts'
import { queueMessage, sendUnsent, settleUnconfirmed } from '../../shared/delivery/send-message.ts'
import { sendNotice } from '../../shared/delivery/send-notice.ts'
import { commit } from '../../shared/events/commit.ts'
import type { Person } from '../../shared/queries/person.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { createBrowser, postJson, signIn } from '../support/sign-in.ts'

const [OLD, NEW] = ['o', 'n'].map((letter) => `whsec_${Buffer.from(letter.repeat(24)).toString('base64')}`)
const TOKEN = 'a token of the account'
const gateway = useGateway({
  env: { RESEND_WEBHOOK_SECRET: `${NEW}|${OLD}`, TWILIO_AUTH_TOKEN: `older token|${TOKEN}`, SMS_COUNTRIES: 'CH' },
})

const send = (to: object) => postJson(gateway, '/v1/auth/otp/send', to)
/** The id of the newest message, once its result is recorded. */
async function recorded(): Promise<string> {
  const { id = '' } = gateway.inbox.sent.at(-1) ?? {}
  await vi.waitFor(async () => expect(await typesOf(id)).toEqual(tail))
  return id
}
async function sentTo(email = newEmail()): Promise<{ id: string; email: string }> {
  expect((await send({ email })).status).toBe(200)
  return { id: await recorded(), email }
}

type Signing = { secret?: string; ageSeconds?: number; svixId?: string; change?: (body: string) => string }

async function resendTells(type: string, messageId: string, more: object = {}, signing: Signing = {}) {
  const { secret = NEW ?? '', ageSeconds = 0, svixId = randomUUID(), change = (body: string) => body } = signing
  const data = { email_id: 'e', to: ['x@example.com'], tags: { category: 'otp', message_id: messageId }, ...more }
  const body = JSON.stringify({ type, created_at: new Date().toISOString(), data })
  const at = new Date(Date.now() - ageSeconds * 1000)
  const headers = {
    'content-type': 'application/json',
    'svix-id': svixId,
    'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
    'svix-signature': new Webhook(secret).sign(svixId, at, body),
  }
  const response = await fetch(`${gateway.url}/v1/delivery/resend`, { method: 'POST', headers, body: change(body) })
  return { status: response.status, body: await response.json() }
}

async function twilioTells(fields: Record<string, string>, id: string, options: { token?: string; url?: string } = {}) {
  const path = `/v1/delivery/twilio?message=${id}`
  const signature = twilio.getExpectedTwilioSignature(
    options.token ?? TOKEN,
    options.url ?? `${gateway.url}${path}`,
    fields,
  )
  const headers = { 'x-twilio-signature': signature }
  const init = { method: 'POST', headers, body: new URLSearchParams(fields) }
  const response = await fetch(`${gateway.url}${path}`, init)
  return { status: response.status, body: await response.json() }
}

const typesOf = async (id: string) => (await eventsOf(gateway, 'message', id)).map(({ event_type }) => event_type)
const tail = ['MessageQueued', 'MessageAccepted']
const bounce = { bounce: { type: 'Permanent', subType: 'NoEmail', message: 'x@example.com: no such mailbox' } }

describe('Resend', () => {
  test('200 for the delivery status of a mail, once, in any order', async () => {
    const { id } = await sentTo()
    expect((await resendTells('email.sent', id)).status).toBe(200)
    expect((await resendTells('email.delivery_delayed', id)).status).toBe(200)
    expect((await resendTells('email.delivered', id, {}, { secret: OLD })).status).toBe(200)
    expect((await resendTells('email.delivered', id)).status).toBe(200)
    expect((await resendTells('email.delivery_delayed', id)).status).toBe(200)
    expect(await typesOf(id)).toEqual([...tail, 'MessageDelayed', 'MessageDelivered'])
    const [event] = (await eventsOf(gateway, 'message', id)).slice(-1)
    expect(event?.metadata).toMatchObject({ actorType: 'service', actor: 'resend', correlationId: id })
    const [row] = await gateway.sql`select status, provider from auth_gateway.messages where id = ${id}`
    expect(row).toEqual({ status: 'delivered', provider: 'resend' })
  })

  test('200 for one of twenty copies at the same time, and one event', async () => {
    const { id } = await sentTo()
    const svixId = randomUUID()
    const all = await Promise.all(
      Array.from({ length: 20 }, () => resendTells('email.bounced', id, bounce, { svixId })),
    )
    expect(all.every(({ status }) => status === 200)).toBe(true)
    expect(await typesOf(id)).toEqual([...tail, 'MessageBounced'])
    const suppressions = await eventsOf(gateway, 'suppression')
    expect(suppressions.filter(({ data }) => data.messageId === id)).toHaveLength(1)
  })

  test('200 for an unknown message, a tag that is no id and a body that is no object, without a change', async () => {
    const before = (await eventsOf(gateway, 'message')).length
    expect((await resendTells('email.delivered', randomUUID())).status).toBe(200)
    expect((await resendTells('email.delivered', "'; drop table messages")).status).toBe(200)
    expect((await resendTells('email.delivered', randomUUID(), { tags: null })).status).toBe(200)
    expect(await eventsOf(gateway, 'message')).toHaveLength(before)
  })

  test.each<[string, Signing]>([
    ['the secret of another party', { secret: `whsec_${Buffer.from('x'.repeat(24)).toString('base64')}` }],
    ['a body changed on the way', { change: (body) => body.replace('delivered', 'bounced') }],
    ['one more blank', { change: (body) => `${body} ` }],
    ['a message of ten minutes ago', { ageSeconds: 600 }],
    ['a message of the future', { ageSeconds: -600 }],
  ])('401 for %s', async (_, signing) => {
    const { id } = await sentTo()
    const { status, body } = await resendTells('email.delivered', id, {}, signing)
    expect([status, body.code]).toEqual([401, 'WEBHOOK_SIGNATURE_INVALID'])
    expect(await typesOf(id)).toEqual(tail)
  })
})

describe('Twilio', () => {
  let number = 0
  async function texted(): Promise<{ id: string; phone: string }> {
    number += 1
    const phone = `+4179${String(2_000_000 + number * 7919)}`
    await openLimits(gateway)
    expect((await send({ phone })).status).toBe(200)
    return { id: await recorded(), phone }
  }
  const status = (MessageStatus: string, more = {}) => ({ MessageSid: 'SM1', MessageStatus, ...more })

  test('200 for the delivery status of a text message, as the SDK signs it', async () => {
    const { id } = await texted()
    for (const one of ['queued', 'sent', 'delivered', 'delivered'])
      expect((await twilioTells(status(one), id)).status).toBe(200)
    expect(await typesOf(id)).toEqual([...tail, 'MessageDelivered'])
  })

  test('200 for an invalid number, which is suppressed; a phone that is off is not', async () => {
    const [gone, off] = [await texted(), await texted()]
    await twilioTells(status('undelivered', { ErrorCode: '30005' }), gone.id)
    await twilioTells(status('undelivered', { ErrorCode: '30003' }), off.id)
    await openLimits(gateway)
    expect((await send({ phone: gone.phone })).body.code).toBe('OTP_UNDELIVERABLE')
    expect((await send({ phone: off.phone })).status).toBe(200)
  })

  test.each([
    ['another token', { token: 'guess' }],
    ['another message', { url: 'https://auth.example/v1/delivery/twilio?message=1' }],
  ])('401 for the signature of %s', async (_, options) => {
    const { id } = await texted()
    const { status: code, body } = await twilioTells(status('failed', { ErrorCode: '30005' }), id, options)
    expect([code, body.code]).toEqual([401, 'WEBHOOK_SIGNATURE_INVALID'])
    expect(await typesOf(id)).toEqual(tail)
  })

  test('401 without a signature', async () => {
    const response = await fetch(`${gateway.url}/v1/delivery/twilio?message=${randomUUID()}`, { method: 'POST' })
    expect(response.status).toBe(401)
  })
})

describe('a notice', () => {
  const notice = (person: Person) => ({ id: uuidv7(), kind: 'phone_added', person, path: '/account' }) as const
  const somebody = async () => {
    const { email, uai } = await signIn(gateway)
    return { email, uai } as Person
  }
  const waitTwoMinutes = () =>
    gateway.sql`update auth_gateway.messages set queued_at = queued_at - interval '3 minutes', settled_at = settled_at - interval '3 minutes'`
  const sentFor = (messageId: string) => gateway.inbox.sent.filter(({ id }) => id === messageId).length

  test('is sent later when the provider was down, once, and by one of two that try', async () => {
    const message = notice(await somebody())
    gateway.inbox.fail({ status: 503 })
    expect(await sendNotice(createCall(gateway.gateway), message)).toMatchObject({ status: 'failed', retryable: true })
    gateway.inbox.recover()
    expect(await sendUnsent(gateway.gateway)).toBe(0)
    await waitTwoMinutes()
    await Promise.all([sendUnsent(gateway.gateway), sendUnsent(gateway.gateway)])
    await waitTwoMinutes()
    expect(await sendUnsent(gateway.gateway)).toBe(0)
    expect(await typesOf(message.id)).toEqual(['MessageQueued', 'MessageFailed', 'MessageAccepted'])
    expect(sentFor(message.id)).toBeGreaterThanOrEqual(1)
    expect(await sendNotice(createCall(gateway.gateway), message)).toMatchObject({ status: 'accepted' })
  })

  test('is sent later when the process ended before, and never to an erased person', async () => {
    const [ada, grace] = [await somebody(), await somebody()]
    const notices = [notice(ada), notice(grace)]
    const dead = { ...gateway.gateway, deliver: () => Promise.reject(new Error('the process ended')) }
    for (const one of notices) await sendNotice(createCall(dead), one).catch(() => undefined)
    await waitTwoMinutes()
    await gateway.sql`delete from auth_gateway.subject_keys where subject = ${grace.uai}`
    expect(await sendUnsent(gateway.gateway)).toBe(1)
    expect(notices.map(({ id }) => sentFor(id))).toEqual([1, 0])
  })
})

describe('the result of a code', () => {
  const transactionsOf = async (ids: string[]) => {
    const rows = await gateway.sql<{ transaction_id: string; event_type: string }[]>`
      select distinct transaction_id, event_type from auth_gateway.event_store
      where stream_type in ('message', 'otp_challenge') and stream_id = any (${ids})`
    const of = (type: string) => new Set(rows.filter((row) => row.event_type === type).map((row) => row.transaction_id))
    return { all: new Set(rows.map((row) => row.transaction_id)).size, accepted: of('MessageAccepted').size }
  }

  test('is recorded after the response, those of a moment in one commit', async () => {
    const before = gateway.inbox.sent.length
    const answers = await Promise.all(Array.from({ length: 5 }, () => send({ email: newEmail() })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    const ids = gateway.inbox.sent.slice(before).map(({ id }) => id)
    await vi.waitFor(async () => expect((await transactionsOf(ids)).accepted).toBeGreaterThan(0))
    for (const id of ids) await vi.waitFor(async () => expect(await typesOf(id)).toEqual(tail))
    const { all, accepted } = await transactionsOf(ids)
    expect(all - accepted).toBe(5)
    expect(accepted).toBeLessThan(5)
  })

  test('is unconfirmed when the process ended before, until the provider reports it', async () => {
    const [lost, reported] = [uuidv7(), uuidv7()]
    for (const id of [lost, reported])
      await commit(createCall(gateway.gateway), async (work) =>
        queueMessage(work, {
          id,
          function: 'send-otp-email',
          payload: { type: 'otp.email', to: newEmail(), code: '123456', expires_in: 600, origin: 'auth.lanonasis.com' },
        }),
      )
    expect((await resendTells('email.delivered', reported)).status).toBe(200)
    expect(await settleUnconfirmed(gateway.gateway)).toBe(0)
    await gateway.sql`update auth_gateway.messages set queued_at = queued_at - interval '11 minutes' where id = ${lost}`
    expect(await settleUnconfirmed(gateway.gateway)).toBe(1)
    expect(await settleUnconfirmed(gateway.gateway)).toBe(0)
    expect(await typesOf(lost)).toEqual(['MessageQueued', 'MessageUnconfirmed'])
    expect(await typesOf(reported)).toEqual(['MessageQueued', 'MessageDelivered'])
    expect((await resendTells('email.delivered', lost)).status).toBe(200)
    expect(await typesOf(lost)).toEqual(['MessageQueued', 'MessageUnconfirmed', 'MessageDelivered'])
  })
})

describe('a suppressed address', () => {
  const command = async (...args: string[]) => {
    const lines: string[] = []
    const env = { ...process.env, DATABASE_MIGRATION_URL: '' }
    const terminal = { env, out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) }
    return { code: await messages(args, terminal), text: lines.join('\n') }
  }

  test('400 until an operator lifts it; meanwhile nothing goes out, and an event says so each time', async () => {
    const { id, email } = await sentTo()
    await resendTells('email.bounced', id, bounce)
    await openLimits(gateway)
    const before = gateway.inbox.attempts
    const refused = await send({ email: email.toUpperCase() })
    expect(refused).toMatchObject({ status: 400, body: { code: 'OTP_UNDELIVERABLE' } })
    expect(gateway.inbox.attempts).toBe(before)
    expect((await eventsOf(gateway, 'message')).at(-1)).toMatchObject({
      event_type: 'MessageFailed',
      data: { reason: 'suppressed' },
    })

    expect((await command('suppressed')).text).toContain(email)
    expect((await command('list', email)).text).toMatch(/failed +.*suppressed[\s\S]*bounced +.*no_email/)
    expect((await command('lift', email)).code).toBe(2)
    const lifted = await command('lift', email, '--reason', 'the mailbox is back')
    expect([lifted.code, lifted.text.includes(email)]).toEqual([0, false])
    expect((await command('lift', email, '--reason', 'again')).code).toBe(1)
    await openLimits(gateway)
    expect((await resendTells('email.bounced', id, bounce)).status).toBe(200)
    expect((await send({ email })).status).toBe(200)
    const [event] = (await eventsOf(gateway, 'suppression')).slice(-1)
    expect(event).toMatchObject({ event_type: 'SuppressionLifted', data: { reason: 'the mailbox is back' } })
    expect(event?.metadata).toMatchObject({ actorType: 'operator' })
  })

  test('400 after a complaint, not after a mailbox that is full', async () => {
    const [angry, full] = [await sentTo(), await sentTo()]
    await resendTells('email.delivered', angry.id)
    await resendTells('email.complained', angry.id)
    await resendTells('email.bounced', full.id, { bounce: { type: 'Transient', subType: 'MailboxFull' } })
    await openLimits(gateway)
    expect((await send({ email: angry.email })).body.code).toBe('OTP_UNDELIVERABLE')
    expect((await send({ email: full.email })).status).toBe(200)
  })

  test('the page that waits for the code says that the mail came back', async () => {
    const browser = createBrowser(gateway)
    const email = newEmail()
    await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
    await resendTells('email.bounced', gateway.inbox.sent.at(-1)?.id ?? '', bounce)
    expect((await browser.reload()).html).toContain('do not arrive')
  })

  test('the activity page shows the delivery status of its messages', async () => {
    const { browser, email } = await signIn(gateway)
    await resendTells('email.delivered', gateway.inbox.sent.findLast(({ to }) => to === email)?.id ?? '')
    expect((await browser.visit('/account/activity')).html).toMatch(
      /What we sent you[\s\S]*A code by e-mail[\s\S]*Delivered/,
    )
  })

  test('figures count messages by delivery status', async () => {
    const { code, text } = await command('figures', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(text)).toContainEqual(expect.objectContaining({ template: 'otp.email', status: 'delivered' }))
  })
})
