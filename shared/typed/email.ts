import { parseEmail } from '../../supabase/functions/_shared/email-address.ts'
import { cleanText, readText } from './text.ts'

export { parseEmail, parseMailDomain } from '../../supabase/functions/_shared/email-address.ts'

const QUOTED = /^["'`\u2018-\u201f\u2039\u00ab](.*)["'`\u2018-\u201f\u203a\u00bb]$/

/** The address in a `mailto:` link, or the text itself. */
function withoutScheme(text: string): string {
  if (!/^mailto:/i.test(text)) return text
  const address = text.slice('mailto:'.length).split('?', 1)[0] ?? ''
  try {
    return cleanText(decodeURIComponent(address))
  } catch {
    return address
  }
}

/** Removes trailing punctuation of a sentence. */
const withoutPunctuation = (text: string) => text.trim().replace(/[ .,;:]+$/, '')

/**
 * Reads an address that was typed, pasted or dictated, in the form of `parseEmail`; undefined if invalid. Text around the address is
 * dropped, but not a space within it, since the address without it may be another person's.
 */
export function readTypedEmail(typed: unknown): string | undefined {
  const text = withoutScheme(readText(typed))
  const bare = withoutPunctuation(/<([^<>]*)>[ .,;]*$/.exec(text)?.[1] ?? text)
  const quoted = QUOTED.exec(bare)?.[1]
  return parseEmail(withoutPunctuation(quoted ?? bare).replace(/ *([@.]) */g, '$1'))
}

/** The lookup value of a parsed address. Only ASCII letters are lower-cased: folding others could merge two mailboxes. */
export function emailLookup(address: string): string {
  return address.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** The domain of a parsed address. */
export const emailDomain = (address: string) => address.slice(address.lastIndexOf('@') + 1)

/** Domains whose provider ignores dots in addresses, and the domain to count their mailboxes under. */
const DOTLESS: Record<string, string> = { 'gmail.com': 'gmail.com', 'googlemail.com': 'gmail.com' }

/**
 * Returns the key for the limits of an address: one per mailbox, whatever its aliases. Sub-addresses (RFC 5233) are dropped.
 * For counting only: two people may share it, so it is never used for sending or lookups.
 * @param lookup lookup value of the address; a phone number is returned unchanged
 */
export function countingMailbox(lookup: string): string {
  const at = lookup.lastIndexOf('@')
  if (at < 0) return lookup
  const domain = lookup.slice(at + 1)
  const local = lookup.slice(0, at)
  const base = local.split('+', 1)[0] || local
  const dotless = DOTLESS[domain]
  return dotless === undefined ? `${base}@${domain}` : `${base.replaceAll('.', '')}@${dotless}`
}
