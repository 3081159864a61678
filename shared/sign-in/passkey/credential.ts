import * as z from 'zod/mini'
import { GatewayError } from '../../errors.ts'
import { once } from '../../once.ts'

const MAX_LENGTH = 20_000

const base64url = () => z.string().check(z.regex(/^[\w-]+$/))
const common = () => ({
  id: base64url().check(z.maxLength(1400)),
  rawId: base64url(),
  type: z.literal('public-key'),
  clientExtensionResults: z._default(z.looseObject({}), {}),
})

/** The JSON of a new credential (WebAuthn Level 3 section 5.1, `RegistrationResponseJSON`). */
export const newCredential = once(() =>
  z.object({
    ...common(),
    response: z.object({
      clientDataJSON: base64url(),
      attestationObject: base64url(),
      transports: z._default(z.array(z.string().check(z.maxLength(20))).check(z.maxLength(10)), []),
    }),
  }),
)

/** The JSON of an assertion (`AuthenticationResponseJSON`). */
export const assertion = once(() =>
  z.object({
    ...common(),
    response: z.object({
      clientDataJSON: base64url(),
      authenticatorData: base64url(),
      signature: base64url(),
      userHandle: z.optional(z.nullable(z.string().check(z.regex(/^[\w-]*$/)))),
    }),
  }),
)

export type NewCredential = z.output<ReturnType<typeof newCredential>>
export type Assertion = z.output<ReturnType<typeof assertion>>

/** Reads what the script of a page put into a form. @throws GatewayError passkey_invalid */
export function readCredential<Type extends z.ZodMiniType>(schema: Type, text: string): z.output<Type> {
  try {
    if (text.length > MAX_LENGTH) throw new Error('too long')
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new GatewayError('passkey_invalid', { reason: 'malformed', cause: error })
  }
}

/** The challenge that the authenticator signed, not verified yet. @throws GatewayError passkey_invalid */
export function challengeOf({ response }: { response: { clientDataJSON: string } }): string {
  const client = z.object({ challenge: z.string() })
  return readCredential(client, Buffer.from(response.clientDataJSON, 'base64url').toString()).challenge
}
