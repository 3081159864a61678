import { type AskedBrand, brandingOf, safeName } from './branding.ts'
import { button, codeBox, composeMail, lastSentence, type RenderedEmail, sentence } from './parts.ts'
import { type AuthMailKind, fill, wordsFor } from './words.ts'

export interface AuthEmailContent {
  kind: AuthMailKind
  /** Host that the account is at. */
  site: string
  /** The recipient. */
  address: string
  /** The other address of a change. */
  other?: string
  /** A provider or a kind of factor. */
  what?: string
  link?: string
  code?: string
  locale?: string
  brand?: AskedBrand
}

/** Renders a mail for Supabase Auth: a link, a code, or both; or a notification. */
export function renderAuthEmail(content: AuthEmailContent): RenderedEmail {
  const { kind, site, address, other = '', link, code, locale } = content
  const words = wordsFor(locale)
  const { auth } = words
  const brand = brandingOf(content.brand)
  const what = safeName(content.what) ?? auth.otherProvider
  const values = { brand: brand.name, site, origin: site, address, other, what }
  const { subject, action } = auth[kind]
  const lead = content.what ? auth[kind].lead : auth[kind].lead.replace(' ({what})', '')
  const way = link && action ? [button(brand, link, action, { padding: '4px 40px 24px' })] : []
  const codes = code ? [sentence(way.length > 0 ? auth.code : auth.codeOnly, {}), codeBox(code)] : []
  const asked = [...way, ...codes]
  return composeMail(words, brand, values, {
    ...{ subject, heading: fill(subject, values), preview: lead },
    parts: [
      sentence(lead, values),
      ...asked,
      ...(asked.length > 0 ? [sentence(auth.once, {})] : []),
      lastSentence(kind.endsWith('_notification') ? auth.alarm : auth.ignore),
    ],
  })
}
