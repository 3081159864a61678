import { emailLookup, readTypedEmail } from './email.ts'
import { readTypedNumber } from './phone.ts'

/** What an e-mail address or a number with its country code is found by, as an operator types it; the text itself when it is neither. */
export function addressLookup(typed: string): string {
  const email = readTypedEmail(typed)
  return email === undefined ? (readTypedNumber(typed) ?? typed) : emailLookup(email)
}
