import * as z from 'zod/mini'
import { recordDeliveryStatus } from '../../shared/delivery/record-delivery-status.ts'
import { isFromResend, readResendStatus } from '../../shared/delivery/resend-status.ts'
import { isFromTwilio, readTwilioStatus } from '../../shared/delivery/twilio-status.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { postedPairs } from '../../shared/http/body.ts'
import { anything, done } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { parsePresent } from '../../shared/present.ts'

const app = createApp('api', { tag: 'Operation' })
const isMessageId = (text: unknown): text is string => z.uuid().safeParse(text).success

/** Records the delivery status of an e-mail reported by Resend. Unknown reports are accepted too, since Resend would retry them. */
app.route('POST', '/v1/delivery/resend', {
  authority: byProtocol('signature'),
  operation: {
    summary: 'Records the delivery status of an e-mail reported by Resend',
    by: ['signature'],
    body: anything,
    answers: { 200: done },
  },
})(async (c) => {
  const { RESEND_WEBHOOK_SECRET: secrets } = gateway().config
  if (!secrets) throw new GatewayError('route_not_found')
  const body = await c.req.text()
  if (!isFromResend(secrets, c.req.raw.headers, body)) throw new GatewayError('webhook_signature_invalid')
  const report = parse(body)
  const reported = report && readResendStatus(report)
  if (reported && isMessageId(reported.messageId))
    await recordDeliveryStatus(c.var.call, reported.messageId, reported.status)
  return c.json({ success: true })
})

/** Records the delivery status of a text message; Twilio calls the address that was given with the message. */
app.route('POST', '/v1/delivery/twilio', {
  authority: byProtocol('signature'),
  operation: {
    summary: 'Records the delivery status of a text message reported by Twilio',
    query: () => z.object({ message: z.uuid() }),
    by: ['signature'],
    body: anything,
    answers: { 200: done },
  },
})(async (c) => {
  const { TWILIO_AUTH_TOKEN: tokens } = gateway().config
  if (!tokens) throw new GatewayError('route_not_found')
  const fields = await postedPairs(c)
  const { pathname, search, searchParams } = new URL(c.req.url)
  const url = `${gateway().issuer}${pathname}${search}`
  if (!isFromTwilio(tokens, url, fields, c.req.header('x-twilio-signature') ?? ''))
    throw new GatewayError('webhook_signature_invalid')
  const reported = readTwilioStatus(fields)
  const id = searchParams.get('message')
  if (reported && isMessageId(id)) await recordDeliveryStatus(c.var.call, id, reported)
  return c.json({ success: true })
})

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const report = parsePresent(body)
    return typeof report === 'object' ? { ...report } : undefined
  } catch {
    return undefined
  }
}

export default serve(app)
