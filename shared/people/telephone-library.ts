// A named export keeps the bundle of this CommonJS package small; it is loaded only to parse a phone number.
export { parsePhoneNumberFromString } from 'libphonenumber-js/mobile'
