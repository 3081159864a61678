import { type AskedBrand, brandingOf, safeName } from './branding.ts'
import { cautionBox, codeBox, composeMail, lastSentence, type RenderedEmail, sentence } from './parts.ts'
import { minutesOf, wordsFor } from './words.ts'

export interface OtpEmailContent {
  code: string
  /** Host where the code is to be entered, such as `auth.lanonasis.com`. */
  origin: string
  /** Seconds that the code is valid. */
  expiresIn: number
  locale?: string
  /** Name of the requesting application; omitted from the mail when it could pass for a link or a sentence. */
  clientName?: string
  brand?: AskedBrand
}

/** Renders the mail with a one-time code. The code is in the body only: lock screens show subject and preview. */
export function renderOtpEmail(content: OtpEmailContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const { otp } = words
  const brand = brandingOf(content.brand)
  const client = safeName(content.clientName)
  const minutes = minutesOf(words, content.expiresIn)
  const values = { origin: content.origin, minutes, brand: brand.name, ...(client && { client }) }
  return composeMail(words, brand, values, {
    ...{ subject: otp.subject, heading: otp.heading, preview: otp.preview },
    parts: [
      sentence(client ? otp.leadFor : otp.lead, values),
      codeBox(content.code),
      sentence(otp.validity, values, { padding: '0 40px 24px', style: 'text-align:center' }),
      cautionBox(otp.never, otp.where, values),
      lastSentence(otp.ignore),
    ],
  })
}
