import type { Env } from '../_shared/env.ts'
import { providerUrl } from '../_shared/provider-url.ts'
import { signedEndpoint } from '../_shared/signed-endpoint.ts'
import { sendSms } from '../_shared/sms.ts'
import { renderOtpSms } from '../_shared/templates/otp-sms.ts'
import { parseOtpSms } from './payload.ts'

/** The function `send-otp-sms`: sends one text message with a one-time code for a signed message. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return signedEndpoint({
    name: 'send-otp-sms',
    env,
    parse: parseOtpSms,
    deliver: ({ id, payload, again, signal }) => {
      const { to, code, locale, expiresIn } = payload
      const sms = { id, to, code, locale, expiresIn, text: renderOtpSms(payload), statusUrl: statusUrl(env, id) }
      return sendSms(env, sms, again, signal)
    },
  })
}

/** Returns the URL to which Twilio reports the delivery status. Twilio signs the whole URL. */
function statusUrl(env: Env, id: string): string | undefined {
  if (!env.DELIVERY_STATUS_URL?.trim()) return undefined
  return `${providerUrl(env, 'DELIVERY_STATUS_URL', '')}/twilio?message=${encodeURIComponent(id)}`
}
