import type { CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/mobile'

/**
 * A mobile number in E.164, with its country; undefined when it is none. The library knows the ranges of mobile numbers alone, so
 * premium, toll-free, pager and fixed-line numbers are none.
 * @param parse of the library, which is loaded by those alone who need it
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
