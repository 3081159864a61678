import { parseEmail } from '../../supabase/functions/_shared/email-address.ts'
import { cleanText, readText } from './text.ts'

export { parseEmail, parseMailDomain } from '../../supabase/functions/_shared/email-address.ts'

const QUOTED = /^["'`\u2018-\u201f\u2039\u00ab](.*)["'`\u2018-\u201f\u203a\u00bb]$/

/** What stands in a `mailto:` link, or the text itself. */
function withoutScheme(text: string): string {
  if (!/^mailto:/i.test(text)) return text
  const address = text.slice('mailto:'.length).split('?', 1)[0] ?? ''
  try {
    return cleanText(decodeURIComponent(address))
  } catch {
    return address
  }
}

/** Without the end of the sentence that an address stood in. */
const withoutPunctuation = (text: string) => text.trim().replace(/[ .,;:]+$/, '')

/**
 * The address that a person typed, pasted or dictated, as `parseEmail` writes it; undefined when it is none. What people and their
 * programs put around an address is dropped; a space within a word is not, since it may be another person's address without it.
 */
export function readTypedEmail(typed: unknown): string | undefined {
  const text = withoutScheme(readText(typed))
  const bare = withoutPunctuation(/<([^<>]*)>[ .,;]*$/.exec(text)?.[1] ?? text)
  const quoted = QUOTED.exec(bare)?.[1]
  return parseEmail(withoutPunctuation(quoted ?? bare).replace(/ *([@.]) */g, '$1'))
}

/** What a parsed address is found by. Only the letters of ASCII change: other cases would make one mailbox of two. */
export function emailLookup(address: string): string {
  return address.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** The domain of a parsed address. */
export const emailDomain = (address: string) => address.slice(address.lastIndexOf('@') + 1)

/** Mailboxes whose provider takes no notice of dots (its own word), and the one domain that its mailboxes are counted under. */
const DOTLESS: Record<string, string> = { 'gmail.com': 'gmail.com', 'googlemail.com': 'gmail.com' }

/**
 * What the limits of an address are counted by: one mailbox, however many addresses lead to it. Sub-addresses (RFC 5233) are dropped.
 * For counting only: two people may share it, so nothing is ever sent to it or found by it.
 * @param lookup what the address is found by; a phone number is its own
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
