import { type AuthNotification, type AuthRequest, authWordsFor } from './auth-words.ts'
import { brandingOf } from './branding.ts'
import { escapeHtml, mailLayout, row } from './mail-layout.ts'
import { button, codeBox, fillHtml, INK, MUTED, paragraph, type RenderedEmail } from './parts.ts'
import { safeName } from './safe-name.ts'
import { fill } from './words.ts'

export interface AuthEmailContent {
  kind: AuthRequest | AuthNotification
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
  brand?: { name?: string; colour?: string }
}

/** Renders a mail for Supabase Auth: a link, a code, or both; or a notification. The same content gives the same bytes. */
export function renderAuthEmail(content: AuthEmailContent): RenderedEmail {
  const { kind, site, address, other = '', link, code, locale } = content
  const { words, auth } = authWordsFor(locale)
  const brand = brandingOf(content.brand)
  const values = {
    brand: brand.name,
    site,
    origin: site,
    address,
    other,
    what: safeName(content.what) ?? auth.otherProvider,
  }
  const { subject } = auth[kind]
  const lead = content.what ? auth[kind].lead : auth[kind].lead.replace(' ({what})', '')
  const { action } = auth[kind] as { action?: string }
  const way = link && action ? { link, action } : undefined
  const codeLead = way ? auth.code : auth.codeOnly
  const end = kind.endsWith('_notification') ? auth.alarm : auth.ignore
  const asks = Boolean(way || code)
  const text = [
    ...[subject, lead].map((one) => fill(one, values)),
    ...(way ? [`${way.action}: ${way.link}`] : []),
    ...(code ? [codeLead, `    ${code}`] : []),
    ...(asks ? [auth.once] : []),
    ...[end, `-- \n${fill(words.automated, values)}`],
  ]
  const rows = [
    row(paragraph(fillHtml(lead, values, INK), MUTED)),
    ...(way ? [row(button(brand, way.link, way.action), '4px 40px 24px')] : []),
    ...(code ? [row(paragraph(escapeHtml(codeLead), MUTED)), row(codeBox(code), '4px 40px 16px')] : []),
    ...(asks ? [row(paragraph(escapeHtml(auth.once), MUTED))] : []),
    row(paragraph(escapeHtml(end), MUTED, 'font-size:14px'), '0 40px 36px'),
  ]
  return {
    subject: fill(subject, values),
    text: `${text.join('\n\n')}\n`,
    html: mailLayout({
      ...{ lang: words.lang, brand, title: fill(subject, values), preview: fill(lead, values) },
      ...{ footer: fill(words.automated, values), rows: rows.join('\n') },
    }),
  }
}
