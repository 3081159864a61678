import { type Branding, brandingOf } from './branding.ts'
import { escapeHtml, mailLayout, row } from './mail-layout.ts'
import { box, CAUTION, codeBox, fillHtml, INK, MUTED, paragraph, type RenderedEmail } from './parts.ts'
import { safeName } from './safe-name.ts'
import { fill, minutesOf, type Words, wordsFor } from './words.ts'

export interface OtpEmailContent {
  code: string
  /** Host where the code is to be entered, such as `auth.lanonasis.com`. */
  origin: string
  /** Seconds that the code is valid. */
  expiresIn: number
  locale?: string
  /** Name of the requesting application; omitted from the mail when it could pass for a link or a sentence. */
  clientName?: string
  brand?: { name?: string; colour?: string }
}

/**
 * Renders the mail with a one-time code. The same content gives the same bytes, so that a retry is recognised as one.
 * The code is in the body only: lock screens show subject and preview.
 */
export function renderOtpEmail(content: OtpEmailContent): RenderedEmail {
  const words = wordsFor(content.locale)
  const brand = brandingOf(content.brand)
  const client = safeName(content.clientName)
  const values = {
    origin: content.origin,
    minutes: minutesOf(words, content.expiresIn),
    brand: brand.name,
    ...(client && { client }),
  }
  const lead = client ? words.otp.leadFor : words.otp.lead
  return {
    subject: fill(words.otp.subject, values),
    text: plainText(words, lead, content.code, values),
    html: html(words, brand, lead, content.code, values),
  }
}

type Values = Record<string, string>

function plainText(words: Words, lead: string, code: string, values: Values): string {
  const { otp } = words
  const paragraphs = [otp.heading, fill(lead, values), `    ${code}`, fill(otp.validity, values)]
  paragraphs.push(`${otp.never} ${fill(otp.where, values)}`, otp.ignore, `-- \n${fill(words.automated, values)}`)
  return `${paragraphs.join('\n\n')}\n`
}

function html(words: Words, brand: Branding, lead: string, code: string, values: Values): string {
  const { otp } = words
  const minutes = fillHtml(otp.validity, values, INK)
  return mailLayout({
    lang: words.lang,
    brand,
    title: otp.heading,
    preview: fill(otp.preview, values),
    footer: fill(words.automated, values),
    rows: [
      row(paragraph(fillHtml(lead, values, INK), MUTED)),
      row(codeBox(code), '4px 40px 16px'),
      row(paragraph(minutes, MUTED, 'text-align:center'), '0 40px 24px'),
      row(cautionBox(`<strong>${escapeHtml(otp.never)}</strong> ${fillHtml(otp.where, values, CAUTION)}`)),
      row(paragraph(escapeHtml(otp.ignore), MUTED, 'font-size:14px'), '0 40px 36px'),
    ].join('\n'),
  })
}

function cautionBox(content: string): string {
  const style = 'padding:14px 16px;background:#fdf6e6;border:1px solid #e3cf9d;border-radius:10px;font-size:15px'
  return box(`<td class="caution" style="${style}">${paragraph(content, CAUTION)}</td>`)
}
