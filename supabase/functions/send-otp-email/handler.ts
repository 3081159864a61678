import { sendEmail } from '../_shared/email.ts'
import type { Env } from '../_shared/env.ts'
import { signedEndpoint } from '../_shared/signed-endpoint.ts'
import { renderOtpEmail } from '../_shared/templates/otp-email.ts'
import { parseOtpEmail } from './payload.ts'

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
