import type { Channel } from '../domain/message.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { emailLookup } from '../typed/email.ts'
import { parseMobileNumber } from '../typed/phone.ts'

/** Where a code goes: a mailbox or a mobile telephone. */
export type CodeAddress = {
  channel: Channel
  /** A parsed e-mail address, or a number in E.164. */
  address: string
  /** What it is found by. */
  lookup: string
  /** Of a number, ISO 3166. */
  country?: string
}

/** @param address a parsed e-mail address */
export const mailbox = (address: string): CodeAddress => ({ channel: 'email', address, lookup: emailLookup(address) })

/**
 * A mobile number that may get codes. One without a country code is taken for the first country of `SMS_COUNTRIES`.
 * @param number as `readTypedNumber` returns it
 * @throws GatewayError sms_unavailable (none are sent at all), invalid_phone, phone_unsupported
 */
export async function telephone({ config }: Pick<Gateway, 'config'>, number: string): Promise<CodeAddress> {
  const countries = config.SMS_COUNTRIES
  const [home] = countries
  if (!home) throw new GatewayError('sms_unavailable', { reason: 'SMS_COUNTRIES is not set' })
  // Loaded by the first number: what it knows of numbering plans is a third of a function.
  const { parsePhoneNumberFromString } = await import('./telephone-library.ts')
  const found = parseMobileNumber(parsePhoneNumberFromString, number, home)
  if (!found) throw new GatewayError('invalid_phone')
  const { country, number: address } = found
  if (!country || !countries.includes(country)) throw new GatewayError('phone_unsupported', { reason: country })
  return { channel: 'sms', address, lookup: address, country }
}

/** An address or number as a message to another one may show it. */
export function masked(address: string): string {
  const [local = '', domain] = address.split('@')
  return domain ? `${local.slice(0, 1)}•••@${domain}` : `${address.slice(0, 3)} ••• ${address.slice(-2)}`
}
