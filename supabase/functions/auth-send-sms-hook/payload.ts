import { parsePhoneNumberFromString } from 'libphonenumber-js/mobile'
import { Refusal } from '../_shared/http.ts'
import { fieldsOf, isNumber, isText } from '../_shared/payload.ts'
import { parseMobileNumber } from '../_shared/phone-number.ts'

export interface SendSmsHook {
  /** As Supabase keeps it, mostly without a plus. */
  phone: string
  code: string
  locale?: string
}

/** Reads what Supabase Auth sends to a Send SMS hook: `{user: {id, phone, …}, sms: {otp, phone?}}`. */
export function parseSendSmsHook(body: unknown): SendSmsHook | undefined {
  const { user, sms } = fieldsOf(body)
  const { phone: own, user_metadata } = fieldsOf(user)
  const { otp, phone: other } = fieldsOf(sms)
  const { locale } = fieldsOf(user_metadata)
  // A number that is being changed to is told beside the user's own.
  const phone = [other, own].find(isNumber)
  if (!phone || !isText(otp, /^\d{4,10}$/)) return undefined
  return { phone, code: otp, locale: isText(locale, /^[A-Za-z]{2,3}([-_]\w{2,8})*$/) ? locale : undefined }
}

/** A mobile number of one of these countries in E.164. @throws Refusal 422 country_refused */
export function allowedNumber(phone: string, countries: string[]): string {
  const found = parseMobileNumber(parsePhoneNumberFromString, phone.startsWith('+') ? phone : `+${phone}`)
  if (!found?.country || !countries.includes(found.country))
    throw new Refusal(422, 'country_refused', 'No text messages go to that number.')
  return found.number
}
