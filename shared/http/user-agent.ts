import Bowser from 'bowser'

/** The names that a page may show: a parser also returns what the sender wrote in place of a name. */
const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP))
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP))
const DEVICES = new Set(['iPhone', 'iPad'])

const known = (names: Set<string>, name: string | undefined) => (name && names.has(name) ? name : undefined)

/** Parses the User-Agent of a browser; that of a program names none. */
const parsed = (userAgent: string | undefined) =>
  userAgent?.startsWith('Mozilla/5.0 (') ? Bowser.parse(userAgent) : undefined

/** Returns the family of the browser that a User-Agent header claims, whatever its version and system. */
export function browserFamily(userAgent: string | undefined): string | undefined {
  return known(BROWSERS, parsed(userAgent)?.browser.name)
}

/**
 * Names the browser and system that a User-Agent header claims, such as "Firefox on Windows". Returns only names of known ones, since
 * the sender controls the header and could put any text there.
 */
export function describeUserAgent(userAgent: string | undefined): string | undefined {
  const claimed = parsed(userAgent)
  if (!claimed) return undefined
  const { browser, os, platform } = claimed
  const names = [known(BROWSERS, browser.name), known(DEVICES, platform.model) ?? known(SYSTEMS, os.name)]
  return names.filter(Boolean).join(' on ') || undefined
}
