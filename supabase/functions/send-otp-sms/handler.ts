import { signedEndpoint } from '../_shared/endpoint.ts'
import { type Env, providerUrl } from '../_shared/env.ts'
import { fieldsOf, isCode, isLifetime, isNumber, parseEnvelope } from '../_shared/payload.ts'
import { sendSms } from '../_shared/sms.ts'
import { renderOtpSms } from '../_shared/templates/otp-sms.ts'

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

/** Parses `{type: "otp.sms", to (E.164), code, expires_in (seconds), origin, locale?, brand?}`. */
function parseOtpSms(body: unknown) {
  const parseTo = (to: unknown) => (isNumber(to) && to.startsWith('+') ? to : undefined)
  const envelope = parseEnvelope(body, 'otp.sms', parseTo)
  const { code, expires_in: expiresIn } = fieldsOf(body)
  return envelope && isCode(code) && isLifetime(expiresIn) ? { ...envelope, code, expiresIn } : undefined
}

/** Returns the URL to which Twilio reports the delivery status. Twilio signs the whole URL. */
function statusUrl(env: Env, id: string): string | undefined {
  if (!env.DELIVERY_STATUS_URL?.trim()) return undefined
  return `${providerUrl(env, 'DELIVERY_STATUS_URL', '')}/twilio?message=${encodeURIComponent(id)}`
}
