import Bowser from 'bowser'

/** The names that a page may show: a parser also returns what the sender wrote in place of a name. */
const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP))
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP))
const DEVICES = new Set(['iPhone', 'iPad'])

const known = (names: Set<string>, name: string | undefined) => (name && names.has(name) ? name : undefined)

/** See `browserFamily`. */
export const familyOf = (userAgent: string): string | undefined => known(BROWSERS, Bowser.parse(userAgent).browser.name)

/** See `describeUserAgent`. */
export function descriptionOf(userAgent: string): string | undefined {
  const { browser, os, platform } = Bowser.parse(userAgent)
  const names = [known(BROWSERS, browser.name), known(DEVICES, platform.model) ?? known(SYSTEMS, os.name)]
  return names.filter(Boolean).join(' on ') || undefined
}
