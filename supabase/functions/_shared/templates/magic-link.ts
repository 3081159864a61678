import { brandingOf } from './branding.ts'
import { escapeHtml, mailLayout, row } from './mail-layout.ts'
import { button, fillHtml, INK, MUTED, paragraph, type RenderedEmail } from './parts.ts'
import { safeName } from './safe-name.ts'
import { fill, minutesOf, wordsFor } from './words.ts'

export interface MagicLinkContent {
  /** The link: a page of the gateway, which asks before it signs in. */
  url: string
  /** Host of the gateway, such as `auth.lanonasis.com`. */
  origin: string
  /** Seconds that the link is valid. */
  expiresIn: number
  locale?: string
  /** Name of the requesting application; omitted from the mail when it could pass for a link or a sentence. */
  clientName?: string
  brand?: { name?: string; colour?: string }
}

/** Renders the mail with a sign-in link. The same content gives the same bytes, so that a retry is recognised as one. */
export function renderMagicLink(content: MagicLinkContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const brand = brandingOf(content.brand)
  const client = safeName(content.clientName)
  const minutes = minutesOf(words, content.expiresIn)
  const values = { origin: content.origin, minutes, brand: brand.name, ...(client && { client }) }
  const { link } = words
  const lead = client ? link.leadFor : link.lead
  const plain = [link.heading, fill(lead, values), content.url, fill(link.validity, values), link.ignore]
  return {
    subject: fill(link.subject, values),
    text: `${[...plain, `-- \n${fill(words.automated, values)}`].join('\n\n')}\n`,
    html: mailLayout({
      lang: words.lang,
      brand,
      title: link.heading,
      preview: fill(link.validity, values),
      footer: fill(words.automated, values),
      rows: [
        row(paragraph(fillHtml(lead, values, INK), MUTED)),
        row(button(brand, content.url, link.action), '4px 40px 24px'),
        row(paragraph(fillHtml(link.validity, values, INK), MUTED), '0 40px 16px'),
        row(paragraph(escapeHtml(link.ignore), MUTED, 'font-size:14px'), '0 40px 36px'),
      ].join('\n'),
    }),
  }
}
