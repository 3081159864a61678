import { parsePhoneNumberFromString } from 'libphonenumber-js/mobile'
import { hookEndpoint } from '../_shared/endpoint.ts'
import { type Env, required } from '../_shared/env.ts'
import { Refusal } from '../_shared/http.ts'
import { fieldsOf, isNumber, isText, localeOf } from '../_shared/payload.ts'
import { parseMobileNumber } from '../_shared/phone-number.ts'
import { sendSms } from '../_shared/sms.ts'
import { renderOtpSms } from '../_shared/templates/otp-sms.ts'

/** The shortest lifetime of a code in Supabase: until then a message should be delivered. */
const SHORTEST_SECONDS = 60

/** The Send SMS hook of Supabase Auth: sends its codes with our templates, to the allowed countries. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return hookEndpoint({
    name: 'auth-send-sms-hook',
    env,
    secret: 'SEND_SMS_HOOK_SECRET',
    parse: parseSendSmsHook,
    async deliver({ id, payload: { phone, code, locale }, again, signal }) {
      const to = allowedNumber(phone, required(env, 'SMS_COUNTRIES').split(/\s*,\s*/))
      const expiresIn = lifetimeOf(env)
      const brand = { name: env.AUTH_MAIL_BRAND_NAME }
      const origin = new URL(required(env, 'AUTH_SITE_URL')).host
      const text = renderOtpSms({ code, origin, expiresIn, locale, brand })
      await sendSms(env, { id, to, code, locale, text, expiresIn: expiresIn ?? SHORTEST_SECONDS }, again, signal)
    },
  })
}

/**
 * Parses the body of a Send SMS hook: `{user: {phone, user_metadata?}, sms: {otp, phone?}}`. The numbers have mostly no plus; that of `sms`
 * is one that the user is changing to.
 */
function parseSendSmsHook(body: unknown) {
  const { user, sms } = fieldsOf(body)
  const { phone: own, user_metadata } = fieldsOf(user)
  const { otp: code, phone: next } = fieldsOf(sms)
  const phone = [next, own].find(isNumber)
  return phone && isText(code, /^\d{4,10}$/) ? { phone, code, locale: localeOf(user_metadata) } : undefined
}

/** Returns a mobile number of one of these countries in E.164. @throws Refusal 422 country_refused */
function allowedNumber(phone: string, countries: string[]): string {
  const found = parseMobileNumber(parsePhoneNumberFromString, phone.startsWith('+') ? phone : `+${phone}`)
  if (!found?.country || !countries.includes(found.country))
    throw new Refusal(422, 'country_refused', 'No text messages go to that number.')
  return found.number
}

/** Supabase does not send the lifetime of its codes; without the setting the message omits it, as Supabase's own does. */
function lifetimeOf(env: Env): number | undefined {
  const seconds = Number(env.AUTH_SMS_OTP_SECONDS?.trim() || Number.NaN)
  return Number.isInteger(seconds) && seconds >= 60 && seconds <= 86_400 ? seconds : undefined
}
