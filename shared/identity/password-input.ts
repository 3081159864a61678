import * as z from 'zod/mini'

const email = z.pipe(
  z
    .string('missing_credentials')
    .check(z.trim(), z.minLength(1, 'missing_credentials'), z.maxLength(254, 'invalid_email')),
  z.email('invalid_email'),
)
const password = z
  .string('missing_credentials')
  .check(z.minLength(1, 'missing_credentials'), z.maxLength(1000, 'weak_password'))

/** An address and a password, exactly as they were typed. */
export const credentialsInput = { email, password }
export const optionalName = z.optional(z.string().check(z.trim(), z.maxLength(200)))
