import { type Env, required } from '../_shared/env.ts'
import { hookEndpoint } from '../_shared/hook-endpoint.ts'
import { sendSms } from '../_shared/sms.ts'
import { renderOtpSms } from '../_shared/templates/otp-sms.ts'
import { allowedNumber, parseSendSmsHook } from './payload.ts'

/** How long Supabase's codes live, unless it is told otherwise. */
const LIFETIME_SECONDS = 60

/** The Send SMS hook of Supabase Auth: its codes go out as our text messages, to the countries that those go to. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return hookEndpoint({
    name: 'auth-send-sms-hook',
    env,
    secret: 'SEND_SMS_HOOK_SECRET',
    parse: parseSendSmsHook,
    async deliver({ id, payload: { phone, code, locale }, again, signal }) {
      const to = allowedNumber(phone, required(env, 'SMS_COUNTRIES').split(/\s*,\s*/))
      const expiresIn = lifetime(env)
      const brand = { name: env.AUTH_MAIL_BRAND_NAME }
      const text = renderOtpSms({
        code,
        origin: new URL(required(env, 'AUTH_SITE_URL')).host,
        expiresIn,
        locale,
        brand,
      })
      await sendSms(env, { id, to, code, locale, text, expiresIn }, again, signal)
    },
  })
}

function lifetime(env: Env): number {
  const seconds = Number(env.AUTH_SMS_OTP_SECONDS ?? LIFETIME_SECONDS)
  return Number.isInteger(seconds) && seconds >= 60 && seconds <= 3_600 ? seconds : LIFETIME_SECONDS
}
