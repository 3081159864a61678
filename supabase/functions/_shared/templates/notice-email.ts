import { escapeHtml, mailLayout, row } from './mail-layout.ts'
import { fillHtml, INK, MUTED, paragraph, type RenderedEmail } from './parts.ts'
import { safeName } from './safe-name.ts'
import { fill, type Words, wordsFor } from './words.ts'

export interface NoticeEmailContent {
  kind: 'api_key_leaked' | 'api_key_expiring' | 'device_connected' | 'identities_merged'
  /** Host of the gateway, such as `auth.lanonasis.com`. */
  origin: string
  /** Page where the person can do something about it. */
  manageUrl: string
  /** What the key or application is called; left out of the mail when it could pass for a link or a sentence. */
  keyName?: string
  keyPreview?: string
  /** ISO 8601. */
  expiresAt?: string
  locale?: string
}

/** A mail that tells of something that happened to an API key. The same content gives the same bytes. */
export function renderNoticeEmail(content: NoticeEmailContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const notice = words.notice[content.kind]
  const key =
    [safeName(content.keyName), content.keyPreview].filter(Boolean).join(' · ') ||
    (content.kind === 'device_connected' ? words.notice.unnamedClient : words.notice.unnamed)
  const values = { key, origin: content.origin, date: content.expiresAt?.slice(0, 10) ?? '' }
  return {
    subject: notice.subject,
    text: `${[notice.heading, ...notice.body.map((one) => fill(one, values)), `${notice.action}: ${content.manageUrl}`, `-- \n${fill(words.automated, values)}`].join('\n\n')}\n`,
    html: html(words, content, values),
  }
}

function html(words: Words, { kind, manageUrl }: NoticeEmailContent, values: Record<string, string>): string {
  const notice = words.notice[kind]
  const style =
    'display:inline-block;padding:12px 20px;background:#0b5c52;border-radius:10px;color:#ffffff;font-weight:650;text-decoration:none'
  return mailLayout({
    lang: words.lang,
    brand: words.brand,
    title: notice.heading,
    preview: fill(notice.body[0] ?? '', values),
    footer: fill(words.automated, values),
    rows: [
      ...notice.body.map((one) => row(paragraph(fillHtml(one, values, INK), MUTED))),
      row(`<a href="${escapeHtml(manageUrl)}" style="${style}">${escapeHtml(notice.action)}</a>`, '4px 40px 36px'),
    ].join('\n'),
  })
}
