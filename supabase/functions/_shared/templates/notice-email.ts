import { type AskedBrand, brandingOf, safeName } from './branding.ts'
import { button, composeMail, type RenderedEmail, sentence } from './parts.ts'
import { type NoticeKind, wordsFor } from './words.ts'

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
  /** When (ISO 8601), with which browser and from which network the account was used. */
  at?: string
  browser?: string
  network?: string
  locale?: string
  brand?: AskedBrand
}

/** Renders a mail about something that happened to an account. */
export function renderNoticeEmail(content: NoticeEmailContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const { openAccount, unnamed, unnamedClient, unnamedBrowser, [content.kind]: notice } = words.notice
  const key =
    [safeName(content.keyName), content.keyPreview].filter(Boolean).join(' · ') ||
    (content.kind === 'device_connected' ? unnamedClient : unnamed)
  const brand = brandingOf(content.brand)
  const values = {
    ...{ key, origin: content.origin, date: content.expiresAt?.slice(0, 10) ?? '', brand: brand.name },
    ...{ time: timeOf(words.lang, content.at), browser: content.browser ?? unnamedBrowser },
    network: content.network ?? '',
  }
  return composeMail(words, brand, values, {
    ...{ subject: notice.subject, heading: notice.heading, preview: notice.body[0] ?? '' },
    parts: [
      ...notice.body.map((one) => sentence(one, values)),
      button(brand, content.manageUrl, notice.action ?? openAccount, { padding: '4px 40px 36px' }),
    ],
  })
}

/** Returns a time as people of a language write it, in UTC. */
function timeOf(lang: string, at: string | undefined): string {
  if (at === undefined) return ''
  const format = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return `${format.format(new Date(at))} UTC`
}
