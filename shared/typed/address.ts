import { emailLookup, readTypedEmail } from './email.ts'
import { readTypedNumber } from './phone.ts'

/** The lookup value of a typed e-mail address or international phone number; the text itself if it is neither. */
export function addressLookup(typed: string): string {
  const email = readTypedEmail(typed)
  return email === undefined ? (readTypedNumber(typed) ?? typed) : emailLookup(email)
}
