import { brandingOf, safeName } from './branding.ts'
import type { OtpEmailContent } from './otp-email.ts'
import { button, composeMail, lastSentence, type RenderedEmail, sentence } from './parts.ts'
import { minutesOf, wordsFor } from './words.ts'

export interface MagicLinkContent extends Omit<OtpEmailContent, 'code'> {
  /** The link: a page of the gateway, which asks before it signs in. */
  url: string
}

/** Renders the mail with a sign-in link. */
export function renderMagicLink(content: MagicLinkContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const { link } = words
  const brand = brandingOf(content.brand)
  const client = safeName(content.clientName)
  const minutes = minutesOf(words, content.expiresIn)
  const values = { origin: content.origin, minutes, brand: brand.name, ...(client && { client }) }
  return composeMail(words, brand, values, {
    ...{ subject: link.subject, heading: link.heading, preview: link.validity },
    parts: [
      sentence(client ? link.leadFor : link.lead, values),
      button(brand, content.url, link.action, { padding: '4px 40px 24px', text: content.url }),
      sentence(link.validity, values, { padding: '0 40px 16px' }),
      lastSentence(link.ignore),
    ],
  })
}
