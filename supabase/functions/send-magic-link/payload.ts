import { parseEmail } from '../_shared/email-address.ts'
import { brandOf, fieldsOf, isHost, isLifetime, isLink, isOptionalText } from '../_shared/payload.ts'
import type { MagicLinkContent } from '../_shared/templates/magic-link.ts'

export interface MagicLinkPayload extends MagicLinkContent {
  to: string
}

/**
 * Reads `{type: "magic_link.email", to, url, expires_in (seconds), origin, locale?, client_name?, brand?}`, where the link leads to
 * `origin`; undefined when a field is missing or malformed. Unknown fields are ignored, so that the sender may be newer.
 */
export function parseMagicLink(body: unknown): MagicLinkPayload | undefined {
  const { type, url, expires_in, origin, locale, client_name, ...rest } = fieldsOf(body)
  const to = parseEmail(rest.to)
  if (type !== 'magic_link.email' || !to || !isHost(origin) || !isLifetime(expires_in)) return undefined
  if (!isLink(url) || new URL(url).host !== origin) return undefined
  if (!isOptionalText(locale) || !isOptionalText(client_name)) return undefined
  const brand = brandOf(rest.brand)
  if (brand === null) return undefined
  const optional = { locale, clientName: client_name, brand }
  return { to, url, origin, expiresIn: expires_in, ...optional }
}
