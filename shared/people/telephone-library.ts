// By name, so that the bundle of a CommonJS package exports them: only what is given a phone number loads it.
export { parsePhoneNumberFromString } from 'libphonenumber-js/mobile'
