import { parseEmail } from '../_shared/email-address.ts'
import { brandOf, fieldsOf, isHost, isLifetime, isOptionalText, isText } from '../_shared/payload.ts'
import type { OtpEmailContent } from '../_shared/templates/otp-email.ts'

export interface OtpEmailPayload extends OtpEmailContent {
  to: string
}

/**
 * Reads `{type: "otp.email", to, code, expires_in (seconds), origin, locale?, client_name?, brand?}`; undefined when
 * a field is missing or malformed. Unknown fields are ignored, so that the sender may be newer than this function.
 */
export function parseOtpEmail(body: unknown): OtpEmailPayload | undefined {
  const { type, code, expires_in, origin, locale, client_name, ...rest } = fieldsOf(body)
  const to = parseEmail(rest.to)
  if (type !== 'otp.email') return undefined
  if (!to) return undefined
  if (!isText(code, /^\d{6,8}$/)) return undefined
  if (!isHost(origin)) return undefined
  if (!isLifetime(expires_in)) return undefined
  if (!isOptionalText(locale) || !isOptionalText(client_name)) return undefined
  const brand = brandOf(rest.brand)
  if (brand === null) return undefined
  const optional = { locale, clientName: client_name, brand }
  return { to, code, origin, expiresIn: expires_in, ...optional }
}
