import { readText } from './text.ts'

export { parseMobileNumber } from '../../supabase/functions/_shared/phone-number.ts'

/**
 * Reads the digits of a phone number that was typed, pasted or dictated, with a leading plus if it has a country code; undefined for
 * text with anything but digits and punctuation.
 * @param typed text, or a number from JSON
 */
export function readTypedNumber(typed: unknown): string | undefined {
  const bare = readText(typed).replace(/^(tel|sms):(\/\/)?/i, '')
  const characters = bare.replace(/[\p{Z}\p{P}]/gu, '')
  const international = /^\P{N}*(\+|00)/u.test(bare)
  const digits = characters.replace(/^(\+|00)/, '')
  if (!/^\d+$/.test(digits)) return undefined
  return international ? `+${digits}` : digits
}
