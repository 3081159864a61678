/** The first match applies, since most browsers also name those they derive from. */
const BROWSERS: [sign: RegExp, name: string][] = [
  [/\bEdg(A|iOS)?\//, 'Edge'],
  [/\b(OPR|Opera|OPT)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(DuckDuckGo|Ddg)\//, 'DuckDuckGo'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(HeadlessChrome|Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari'],
]

const SYSTEMS: [sign: RegExp, name: string][] = [
  [/\bWindows NT\b/, 'Windows'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

const named = (list: [RegExp, string][], text: string) => list.find(([sign]) => sign.test(text))?.[1]

/** The text after the system in the User-Agent of a browser. */
const browserPart = (userAgent: string | undefined) => /^Mozilla\/5\.0 \(([^)]*)\)(.*)$/.exec(userAgent ?? '') ?? []

/** Returns the family of the browser that a User-Agent header claims, whatever its version and system. */
export function browserFamily(userAgent: string | undefined): string | undefined {
  const [, , rest = ''] = browserPart(userAgent)
  return named(BROWSERS, rest)
}

/**
 * Names the browser and system that a User-Agent header claims, such as "Firefox on Windows". Returns only names from these lists,
 * since the sender controls the header and could put any text there.
 */
export function describeUserAgent(userAgent: string | undefined): string | undefined {
  const [, system = '', rest = ''] = browserPart(userAgent)
  const names = [named(BROWSERS, rest), named(SYSTEMS, system)].filter((one) => one !== undefined)
  return names.length > 0 ? names.join(' on ') : undefined
}
