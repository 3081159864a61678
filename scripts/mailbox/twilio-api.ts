import { randomBytes } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { type Messages, received } from './messages.ts'
import { basicCredentials, sameText } from './resend-api.ts'

export interface TwilioAccount {
  accountSid: string
  authToken: string
}

/** The mailbox's default account for text messages. */
export const LOCAL_TWILIO: TwilioAccount = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'local_mailbox' }

/** Numbers that the real API also refuses, for tests (twilio.com/docs/iam/test-credentials). */
const REFUSED: Record<string, [code: number, message: string]> = {
  '+15005550001': [21211, "The 'To' number is not a valid phone number."],
  '+15005550002': [21612, "The 'To' phone number is not currently reachable via SMS."],
  '+15005550003': [21408, 'Permission to send an SMS has not been enabled for the region.'],
  '+15005550004': [21610, 'Attempt to send to unsubscribed recipient.'],
  '+15005550009': [21614, "The 'To' number is not a valid mobile number."],
}

type Resource = { sid: string; to: string; body: string; status: string; date_created: string }

/**
 * Implements Twilio's Messages, and Verify's Verifications with custom codes, with their Basic authentication, field checks and error
 * bodies. As there, the same message sent twice is two messages.
 * @param options.accepted called with each message that names a status callback
 */
export function createTwilioApi(options: {
  account: TwilioAccount
  messages: Messages
  accepted?: (message: Resource & { statusCallback: string }) => void
}): Hono {
  const { account, messages, accepted } = options
  const api = new Hono()
  const sent: Resource[] = []
  const verifications = new Map<string, { sid: string; attempts: { time: string }[] }>()
  const sid = (prefix: string) => `${prefix}${randomBytes(16).toString('hex')}`

  for (const path of ['/2010-04-01/*', '/v2/*'])
    api.use(path, async (c, next) => {
      const expected = basicCredentials(account.accountSid, account.authToken)
      if (sameText(c.req.header('authorization') ?? '', expected)) return next()
      return problem(c, 401, 20003, 'Authenticate')
    })

  api.post('/2010-04-01/Accounts/:account/Messages.json', async (c) => {
    if (c.req.param('account') !== account.accountSid) return problem(c, 404, 20404, 'The account was not found')
    const { To = '', Body = '', MessagingServiceSid, From, StatusCallback } = await form(c)
    if (!/^\+[1-9]\d{6,14}$/.test(To)) return problem(c, 400, 21211, `Invalid 'To' Phone Number: ${To}`)
    if (!Body) return problem(c, 400, 21602, 'Message body is required.')
    if (!/^MG[0-9a-f]{32}$/.test(MessagingServiceSid ?? '') && !From)
      return problem(c, 400, 21603, "A 'From' phone number or a messaging service is required.")
    const known = REFUSED[To]
    if (known) return problem(c, 400, ...known)
    const message = { sid: sid('SM'), to: To, body: Body, status: 'accepted', date_created: new Date().toUTCString() }
    sent.unshift(message)
    sent.splice(200)
    messages.add(received({ id: message.sid, channel: 'sms', from: From ?? 'LanOnasis', to: [To], text: Body }))
    if (StatusCallback) accepted?.({ ...message, statusCallback: StatusCallback })
    return c.json({ ...message, account_sid: account.accountSid, messaging_service_sid: MessagingServiceSid }, 201)
  })

  api.get('/2010-04-01/Accounts/:account/Messages.json', (c) => {
    const found = sent.filter(({ to }) => !c.req.query('To') || to === c.req.query('To'))
    return c.json({ messages: found, page: 0, page_size: found.length, next_page_uri: null })
  })

  api.post('/v2/Services/:service/Verifications', async (c) => {
    const { To = '', Channel, CustomCode = '' } = await form(c)
    if (Channel !== 'sms' || !/^\d{4,10}$/.test(CustomCode)) return problem(c, 400, 60200, 'Invalid parameter')
    const known = REFUSED[To]
    if (known) return problem(c, 400, 60205, 'SMS is not supported by landline phone number')
    const pending = verifications.get(To) ?? { sid: sid('VE'), attempts: [] }
    pending.attempts.push({ time: new Date().toISOString() })
    verifications.set(To, pending)
    const text = `Your LanOnasis verification code is: ${CustomCode}`
    messages.add(received({ id: sid('SM'), channel: 'sms', from: 'Twilio Verify', to: [To], text }))
    return c.json({ sid: pending.sid, to: To, status: 'pending', send_code_attempts: pending.attempts }, 201)
  })

  api.get('/v2/Services/:service/Verifications/:to', (c) => {
    const pending = verifications.get(c.req.param('to'))
    if (!pending) return problem(c, 404, 20404, 'The requested resource was not found')
    return c.json({ sid: pending.sid, to: c.req.param('to'), status: 'pending', send_code_attempts: pending.attempts })
  })
  return api
}

async function form(c: Context): Promise<Record<string, string | undefined>> {
  return Object.fromEntries(new URLSearchParams(await c.req.text()))
}

function problem(c: Context, status: 400 | 401 | 404, code: number, message: string): Response {
  return c.json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, status)
}
