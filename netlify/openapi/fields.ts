import * as z from 'zod/mini'

export const time = () => z.iso.datetime()
export const orNull = z.nullable
export const list = () => z.array(z.string())
export const role = () => z.string()

export const tokenMembers = () => ({
  token_type: z.enum(['Bearer', 'DPoP']),
  access_token: z.string(),
  expires_in: z.int(),
  refresh_token: z.optional(z.string()),
  refresh_expires_in: z.optional(z.int()),
  scope: z.string(),
})
