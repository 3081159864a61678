import { brandingOf } from './branding.ts'
import { segments, toGsm } from './gsm.ts'
import { fill, minutesOf, wordsFor } from './words.ts'

export interface OtpSmsContent {
  code: string
  /** Host where the code is to be entered, such as `auth.lanonasis.com`. */
  origin: string
  /** Seconds that the code is valid, if known. */
  expiresIn?: number
  locale?: string
  brand?: { name?: string }
}

/**
 * Renders the text message with a one-time code, in one segment if the names allow it. Its last line binds the code to the origin, so
 * that phones suggest it on no other site (WICG origin-bound one-time codes).
 */
export function renderOtpSms(content: OtpSmsContent): string {
  const words = wordsFor(content.locale)
  const bound = `@${content.origin.replace(/:\d+$/, '')} #${content.code}`
  const { code, expiresIn } = content
  const text = (brand: string) =>
    expiresIn === undefined
      ? fill(words.sms.plain, { code, brand })
      : fill(words.sms.code, { code, brand, minutes: minutesOf(words, expiresIn) })
  const [own, house] = [text(brandingOf(content.brand).name), text(brandingOf().name)]
  const shorter = [`${own} ${words.sms.never}`, own, `${house} ${words.sms.never}`, house, content.code]
  const all = shorter.map((one) => toGsm(`${one}\n\n${bound}`))
  return all.find((one) => segments(one) === 1) ?? all.at(-1) ?? bound
}
