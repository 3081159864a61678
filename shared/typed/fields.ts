import * as z from 'zod/mini'
import { GatewayError, type Refusal } from '../errors.ts'
import { parseEmail, parseMailDomain, readTypedEmail } from './email.ts'
import { readTypedNumber } from './phone.ts'
import { readDigitCode } from './text.ts'

/** Descriptions of the field types in the OpenAPI document. */
export const DESCRIBED = {
  typedEmail: { format: 'email', description: 'An e-mail address, as a person types it.' },
  statedEmail: { format: 'email', description: 'An e-mail address, exactly as mail is sent to it.' },
  typedPhone: { description: 'A mobile number with its country code, as a person types it.' },
  typedCode: { description: 'Six digits, as a person types them.' },
}

/** A field that is read from what was given. @param wrong the error for an unreadable value */
function field(given: z.ZodMiniType<unknown>, wrong: string, read: (value: unknown) => string | undefined) {
  return z.pipe(
    given,
    z.transform((value: unknown, context) => {
      const text = read(value)
      if (text !== undefined) return text
      context.issues.push({ code: 'custom', message: wrong, input: value })
      return z.NEVER
    }),
  )
}

/** Programs may send codes and phone numbers as JSON numbers. */
const textOrNumber = (missing: string) => z.union([z.string(), z.number()], missing)

/** An e-mail address as a person types it. */
export const typedEmail = (missing: Refusal = 'missing_email') =>
  field(z.string(missing), 'invalid_email', readTypedEmail).register(z.globalRegistry, DESCRIBED.typedEmail)

/** An e-mail address from a program: accepted unchanged, or refused. */
export const statedEmail = () =>
  field(z.string('invalid_email'), 'invalid_email', parseEmail).register(z.globalRegistry, DESCRIBED.statedEmail)

/** A phone number as a person types it, in digits; `telephone` checks whether it can receive codes. */
export const typedPhone = () =>
  field(textOrNumber('missing_phone'), 'invalid_phone', readTypedNumber).register(
    z.globalRegistry,
    DESCRIBED.typedPhone,
  )

/** A six-digit code as a person types it. A malformed code is refused before anything is counted. */
export const typedCode = (missing: Refusal = 'otp_malformed') =>
  field(textOrNumber(missing), 'otp_malformed', readDigitCode).register(z.globalRegistry, DESCRIBED.typedCode)

/** A mail domain, as an operator types it. */
export const mailDomain = () =>
  field(z.string('must be domains'), 'must be domains', (value) => parseMailDomain(String(value)))

/** The reason that an operator gives, for the log. */
export const typedReason = () => z.string().check(z.trim(), z.minLength(3), z.maxLength(200))

/** The position of an event in the log. */
export const position = () => z.string().check(z.regex(/^\d{1,18}$/))

/** The number of items on a page. */
export const pageSize = (most: number, usual: number) =>
  z.prefault(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(most)), usual)

/** Returns a UUID from a path. @throws GatewayError the refusal, for any other text */
export function requireUuid(text: string | undefined, refusal: Refusal = 'not_found'): string {
  const { data } = z.uuid().safeParse(text)
  if (data === undefined) throw new GatewayError(refusal)
  return data
}

/** Parses a time as an operator types it; without a zone it is UTC. */
export const readTypedTime = (text: string) =>
  new Date(/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text.length === 10 ? `${text}T00:00` : text}Z`)

/** The text of a time, which `readTypedTime` can parse. */
export const typedTime = () =>
  z.string().check(
    z.maxLength(40),
    z.refine(
      (text) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(readTypedTime(text).getTime()),
      'must be a time such as 2026-11-26T12:00',
    ),
  )

/** A URL to return to, which `safeReturnTo` checks before anyone follows it. */
export const returnToField = () => z.optional(z.string().check(z.maxLength(4000)))
