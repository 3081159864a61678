import { type Branding, brandingOf } from './branding.ts'
import { mailLayout, row } from './mail-layout.ts'
import { button, fillHtml, INK, MUTED, paragraph, type RenderedEmail } from './parts.ts'
import { safeName } from './safe-name.ts'
import { fill, type NoticeKind, type Words, wordsFor } from './words.ts'

export interface NoticeEmailContent {
  kind: NoticeKind
  /** Host of the gateway, such as `auth.lanonasis.com`. */
  origin: string
  /** Page where the person can do something about it. */
  manageUrl: string
  /** Name of the key or application; omitted from the mail when it could pass for a link or a sentence. */
  keyName?: string
  keyPreview?: string
  /** ISO 8601. */
  expiresAt?: string
  locale?: string
  brand?: { name?: string; colour?: string }
}

/** Renders a mail about something that happened to an account. The same content gives the same bytes. */
export function renderNoticeEmail(content: NoticeEmailContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const notice = words.notice[content.kind]
  const key =
    [safeName(content.keyName), content.keyPreview].filter(Boolean).join(' · ') ||
    (content.kind === 'device_connected' ? words.notice.unnamedClient : words.notice.unnamed)
  const brand = brandingOf(content.brand)
  const values = { key, origin: content.origin, date: content.expiresAt?.slice(0, 10) ?? '', brand: brand.name }
  const paragraphs = [notice.heading, ...notice.body.map((one) => fill(one, values))]
  return {
    subject: fill(notice.subject, values),
    text: `${[...paragraphs, `${notice.action}: ${content.manageUrl}`, `-- \n${fill(words.automated, values)}`].join('\n\n')}\n`,
    html: html(words, brand, content, values),
  }
}

function html(
  words: Words,
  brand: Branding,
  { kind, manageUrl }: NoticeEmailContent,
  values: Record<string, string>,
): string {
  const notice = words.notice[kind]
  return mailLayout({
    lang: words.lang,
    brand,
    title: notice.heading,
    preview: fill(notice.body[0] ?? '', values),
    footer: fill(words.automated, values),
    rows: [
      ...notice.body.map((one) => row(paragraph(fillHtml(one, values, INK), MUTED))),
      row(button(brand, manageUrl, notice.action), '4px 40px 36px'),
    ].join('\n'),
  })
}
