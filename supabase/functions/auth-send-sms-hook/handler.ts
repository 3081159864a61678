import { type Env, required } from '../_shared/env.ts'
import { hookEndpoint } from '../_shared/hook-endpoint.ts'
import { sendSms } from '../_shared/sms.ts'
import { renderOtpSms } from '../_shared/templates/otp-sms.ts'
import { allowedNumber, parseSendSmsHook } from './payload.ts'

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
      const lifetime = lifetimeOf(env)
      const brand = { name: env.AUTH_MAIL_BRAND_NAME }
      const text = renderOtpSms({
        code,
        origin: new URL(required(env, 'AUTH_SITE_URL')).host,
        expiresIn: lifetime,
        locale,
        brand,
      })
      await sendSms(env, { id, to, code, locale, text, expiresIn: lifetime ?? SHORTEST_SECONDS }, again, signal)
    },
  })
}

/** Supabase does not send the lifetime of its codes; without the setting the message omits it, as Supabase's own does. */
function lifetimeOf(env: Env): number | undefined {
  const seconds = Number(env.AUTH_SMS_OTP_SECONDS?.trim() || Number.NaN)
  return Number.isInteger(seconds) && seconds >= 60 && seconds <= 86_400 ? seconds : undefined
}
