import { parseEmail } from '../_shared/email-address.ts'
import { brandOf, fieldsOf, isHost, isOptionalText } from '../_shared/payload.ts'
import type { NoticeEmailContent } from '../_shared/templates/notice-email.ts'
import { NOTICE_KINDS } from '../_shared/templates/words.ts'

export interface NoticeEmailPayload extends NoticeEmailContent {
  to: string
}

/**
 * Reads `{type: "notice.email", to, kind, origin, manage_url, key_name?, key_preview?, expires_at?, locale?, brand?}`; undefined when a field is
 * missing or malformed. Unknown fields are ignored, so that the sender may be newer than this function.
 */
export function parseNoticeEmail(body: unknown): NoticeEmailPayload | undefined {
  const { type, kind, origin, manage_url, key_name, key_preview, expires_at, locale, ...rest } = fieldsOf(body)
  const to = parseEmail(rest.to)
  const known = NOTICE_KINDS.find((one) => one === kind)
  if (type !== 'notice.email' || !known || !to || !isHost(origin)) return undefined
  if (typeof manage_url !== 'string' || !/^https?:\/\/[^\s"'<>]{1,500}$/.test(manage_url)) return undefined
  if (![key_name, key_preview, expires_at, locale].every(isOptionalText)) return undefined
  const brand = brandOf(rest.brand)
  if (brand === null) return undefined
  const text = (value: unknown) => value as string | undefined
  return {
    to,
    kind: known,
    origin,
    manageUrl: manage_url,
    keyName: text(key_name),
    keyPreview: text(key_preview),
    expiresAt: text(expires_at),
    locale: text(locale),
    brand,
  }
}
