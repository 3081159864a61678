import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { type Messages, received } from './messages.ts'
import { basicCredentials, sameText } from './resend-api.ts'

/** Credentials for the other providers' APIs. */
export const LOCAL_OTHERS = { postmarkToken: 'local-mailbox', vonageKey: 'local', vonageSecret: 'mailbox' }

/** Implements Postmark's `POST /email` and Vonage's `POST /v1/messages`, as far as the functions use them. */
export function createOtherApis({ messages }: { messages: Messages }): Hono {
  const api = new Hono()

  api.post('/email', async (c) => {
    if (!sameText(c.req.header('x-postmark-server-token') ?? '', LOCAL_OTHERS.postmarkToken))
      return c.json({ ErrorCode: 10, Message: 'No Account or Server API tokens were supplied.' }, 401)
    const { From: from, To: to, Subject: subject, TextBody: text, HtmlBody: html } = await c.req.json()
    if (!from || !to || !subject || !text) return c.json({ ErrorCode: 300, Message: 'Invalid email request' }, 422)
    const id = randomUUID()
    messages.add(received({ id, channel: 'email', to: [to], from, subject, text, html }))
    return c.json({ To: to, MessageID: id, ErrorCode: 0, Message: 'OK' })
  })

  api.post('/v1/messages', async (c) => {
    const expected = basicCredentials(LOCAL_OTHERS.vonageKey, LOCAL_OTHERS.vonageSecret)
    if (!sameText(c.req.header('authorization') ?? '', expected)) return c.json({ title: 'Unauthorized' }, 401)
    const { channel, message_type, to, from, text } = await c.req.json()
    if (channel !== 'sms' || message_type !== 'text' || !/^[1-9]\d{6,14}$/.test(to) || !from || !text)
      return c.json({ title: 'Invalid params' }, 422)
    const id = randomUUID()
    messages.add(received({ id, channel: 'sms', to: [`+${to}`], from, text }))
    return c.json({ message_uuid: id }, 202)
  })
  return api
}
