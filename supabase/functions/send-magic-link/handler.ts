import { sendEmail } from '../_shared/email.ts'
import { parseEmail } from '../_shared/email-address.ts'
import { signedEndpoint } from '../_shared/endpoint.ts'
import type { Env } from '../_shared/env.ts'
import { fieldsOf, isLifetime, isLink, isOptionalText, parseEnvelope } from '../_shared/payload.ts'
import { renderMagicLink } from '../_shared/templates/magic-link.ts'

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

/**
 * Parses `{type: "magic_link.email", to, url, expires_in (seconds), origin, locale?, client_name?, brand?}`, where the link leads to
 * `origin`.
 */
function parseMagicLink(body: unknown) {
  const envelope = parseEnvelope(body, 'magic_link.email', parseEmail)
  const { url, expires_in: expiresIn, client_name: clientName } = fieldsOf(body)
  if (!envelope || !isLifetime(expiresIn) || !isOptionalText(clientName)) return undefined
  if (!isLink(url) || new URL(url).host !== envelope.origin) return undefined
  return { ...envelope, url, expiresIn, clientName }
}
