import { brandOf, fieldsOf, isHost, isNumber, isOptionalText, isText } from '../_shared/payload.ts'
import type { OtpSmsContent } from '../_shared/templates/otp-sms.ts'

export interface OtpSmsPayload extends OtpSmsContent {
  to: string
  /** Seconds; the provider drops the message when they are over. */
  expiresIn: number
}

/**
 * Reads `{type: "otp.sms", to (E.164), code, expires_in (seconds), origin, locale?, brand?}`; undefined when a field is missing or
 * malformed. Unknown fields are ignored, so that the sender may be newer than this function.
 */
export function parseOtpSms(body: unknown): OtpSmsPayload | undefined {
  const { type, to, code, expires_in, origin, locale, ...rest } = fieldsOf(body)
  if (type !== 'otp.sms') return undefined
  if (!isNumber(to) || !to.startsWith('+') || !isText(code, /^\d{6,8}$/) || !isHost(origin)) return undefined
  if (typeof expires_in !== 'number' || !Number.isInteger(expires_in) || expires_in < 60 || expires_in > 3600)
    return undefined
  const brand = brandOf(rest.brand)
  if (!isOptionalText(locale) || brand === null) return undefined
  return { to, code, origin, expiresIn: expires_in, locale, brand }
}
