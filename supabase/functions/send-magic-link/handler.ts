import { sendEmail } from '../_shared/email.ts'
import type { Env } from '../_shared/env.ts'
import { signedEndpoint } from '../_shared/signed-endpoint.ts'
import { renderMagicLink } from '../_shared/templates/magic-link.ts'
import { parseMagicLink } from './payload.ts'

/** The function `send-magic-link`: sends one mail with a sign-in link for a signed message. */
export function createHandler(env: Env): (request: Request) => Promise<Response> {
  return signedEndpoint({
    name: 'send-magic-link',
    env,
    parse: parseMagicLink,
    deliver: ({ id, payload, again, signal }) =>
      sendEmail(env, { id, to: payload.to, category: 'magic_link', ...renderMagicLink(payload) }, again, signal),
  })
}
