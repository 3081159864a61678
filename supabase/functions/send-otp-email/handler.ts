import { sendEmail } from '../_shared/email.ts'
import { parseEmail } from '../_shared/email-address.ts'
import { signedEndpoint } from '../_shared/endpoint.ts'
import type { Env } from '../_shared/env.ts'
import { fieldsOf, isCode, isLifetime, isOptionalText, parseEnvelope } from '../_shared/payload.ts'
import { renderOtpEmail } from '../_shared/templates/otp-email.ts'

/** The function `send-otp-email`: sends one mail with a one-time code for a signed message. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return signedEndpoint({
    name: 'send-otp-email',
    env,
    parse: parseOtpEmail,
    deliver: ({ id, payload, again, signal }) =>
      sendEmail(env, { id, to: payload.to, category: 'otp', ...renderOtpEmail(payload) }, again, signal),
  })
}

/** Parses `{type: "otp.email", to, code, expires_in (seconds), origin, locale?, client_name?, brand?}`. */
function parseOtpEmail(body: unknown) {
  const envelope = parseEnvelope(body, 'otp.email', parseEmail)
  const { code, expires_in: expiresIn, client_name: clientName } = fieldsOf(body)
  if (!envelope || !isCode(code) || !isLifetime(expiresIn) || !isOptionalText(clientName)) return undefined
  return { ...envelope, code, expiresIn, clientName }
}
