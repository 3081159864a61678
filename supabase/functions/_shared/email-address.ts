/** Octets of an address, of its local part and of its domain (RFC 5321 section 4.5.3.1, RFC 1035 section 2.3.4). */
const LONGEST = 254
const LONGEST_LOCAL = 64
const LONGEST_DOMAIN = 253
/** Characters, before a domain becomes A-labels. */
const LONGEST_GIVEN = 1000

/** RFC 5322 atext and dots, as in HTML's `type=email`. */
const LOCAL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+$/
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
/** ASCII that no host name has. It would end or change the host of a URL. */
const NOT_IN_A_HOST = /(?![A-Za-z0-9.-])\p{ASCII}/u

/** Returns a mail domain in A-labels and lower case (UTS 46); undefined for anything else. */
export function parseMailDomain(text: string): string | undefined {
  const url = `http://${text}`
  if (NOT_IN_A_HOST.test(text) || !URL.canParse(url)) return undefined
  const domain = new URL(url).hostname
  const labels = domain.split('.')
  const isHost = labels.length > 1 && labels.every((label) => LABEL.test(label)) && /[a-z]/.test(labels.at(-1) ?? '')
  return isHost && domain.length <= LONGEST_DOMAIN ? domain : undefined
}

/**
 * Returns a mail address as given, except for its domain, which becomes A-labels in lower case; undefined for what is not one. Nothing is
 * repaired, so that one address that a provider asserts is never mistaken for another.
 */
export function parseEmail(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > LONGEST_GIVEN) return undefined
  const at = value.lastIndexOf('@')
  const local = value.slice(0, Math.max(at, 0))
  const domain = parseMailDomain(value.slice(at + 1))
  if (!LOCAL.test(local) || local.length > LONGEST_LOCAL || domain === undefined) return undefined
  const address = `${local}@${domain}`
  return address.length <= LONGEST ? address : undefined
}
