import * as z from 'zod/mini'
import { once } from '../once.ts'
import { typedEmail } from '../typed/fields.ts'
import { PLATFORMS } from './start-session.ts'

const password = once(() =>
  z.string('missing_credentials').check(z.minLength(1, 'missing_credentials'), z.maxLength(1000, 'weak_password')),
)

/** An address as typed, and the exact password. */
export const credentialsInput = once(() => ({ email: typedEmail('missing_credentials'), password: password() }))
export const optionalName = once(() => z.optional(z.string().check(z.trim(), z.maxLength(200))))

/** What a program is signed in for. @param usual the platform that is meant if none is named */
export const audienceInput = (usual: (typeof PLATFORMS)[number]) => ({
  platform: z.prefault(z.enum(PLATFORMS), usual),
  project_scope: z.optional(z.string().check(z.maxLength(100))),
})
