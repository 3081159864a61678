import * as z from 'zod/mini'
import { once } from '../../once.ts'
import { clientParameters } from './client-auth.ts'

/** Parameters of revocation and introspection (RFC 7009 section 2.1, RFC 7662 section 2.1). */
export const tokenParameters = once(() =>
  z.object({
    token: z.string('is required').check(z.minLength(1), z.maxLength(8000)),
    token_type_hint: z.optional(z.string().check(z.maxLength(200))),
    ...clientParameters(),
  }),
)
