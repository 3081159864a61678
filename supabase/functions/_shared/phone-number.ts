import type { CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/mobile'

/**
 * Parses a mobile number into E.164, with its country; undefined when it is not one. The library's metadata has mobile ranges only, so
 * premium, toll-free, pager and fixed-line numbers are rejected.
 * @param parse the library's function, so that only callers who need the library load it
 * @param home the country of a number without a country code (ISO 3166)
 */
export function parseMobileNumber(
  parse: typeof parsePhoneNumberFromString,
  text: string,
  home?: string,
): { number: string; country?: string } | undefined {
  const found = parse(text, { defaultCountry: home as CountryCode | undefined, extract: false })
  return found?.isValid() && !found.ext ? { number: found.number, country: found.country } : undefined
}
