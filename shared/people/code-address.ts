import type { Channel } from '../domain/message.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { emailLookup } from '../typed/email.ts'
import { parseMobileNumber } from '../typed/phone.ts'

/** The destination of a code: a mailbox or a mobile phone. */
export type CodeAddress = {
  channel: Channel
  /** A parsed e-mail address, or a number in E.164. */
  address: string
  /** The normalized form for lookups. */
  lookup: string
  /** Country of a phone number, ISO 3166. */
  country?: string
}

/** @param address a parsed e-mail address */
export const mailbox = (address: string): CodeAddress => ({ channel: 'email', address, lookup: emailLookup(address) })

/**
 * Parses a mobile number that may receive codes. Without a country code, it belongs to the first country of `SMS_COUNTRIES`.
 * @param number as `readTypedNumber` returns it
 * @throws GatewayError sms_unavailable (SMS is not configured), invalid_phone, phone_unsupported
 */
export async function telephone({ config }: Pick<Gateway, 'config'>, number: string): Promise<CodeAddress> {
  const countries = config.SMS_COUNTRIES
  const [home] = countries
  if (!home) throw new GatewayError('sms_unavailable', { reason: 'SMS_COUNTRIES is not set' })
  // Loaded on demand: its numbering plans are a third of the size of a function.
  const { parsePhoneNumberFromString } = await import('./telephone-library.ts')
  const parsed = parseMobileNumber(parsePhoneNumberFromString, number, home)
  if (!parsed) throw new GatewayError('invalid_phone')
  const { country, number: address } = parsed
  if (!country || !countries.includes(country)) throw new GatewayError('phone_unsupported', { reason: country })
  return { channel: 'sms', address, lookup: address, country }
}

/** Masks an address or number for display in a message to another one. */
export function masked(address: string): string {
  const [local = '', domain] = address.split('@')
  return domain ? `${local.slice(0, 1)}•••@${domain}` : `${address.slice(0, 3)} ••• ${address.slice(-2)}`
}
