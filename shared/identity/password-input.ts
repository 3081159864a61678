import * as z from 'zod/mini'
import { once } from '../once.ts'

const email = once(() =>
  z.pipe(
    z
      .string('missing_credentials')
      .check(z.trim(), z.minLength(1, 'missing_credentials'), z.maxLength(254, 'invalid_email')),
    z.email('invalid_email'),
  ),
)
const password = once(() =>
  z.string('missing_credentials').check(z.minLength(1, 'missing_credentials'), z.maxLength(1000, 'weak_password')),
)

/** An address and a password, exactly as they were typed. */
export const credentialsInput = once(() => ({ email: email(), password: password() }))
export const optionalName = once(() => z.optional(z.string().check(z.trim(), z.maxLength(200))))
