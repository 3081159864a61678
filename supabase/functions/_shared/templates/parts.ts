import type { Branding } from './branding.ts'
import { escapeHtml, mailLayout, row } from './mail-layout.ts'
import { fill, type Words } from './words.ts'

export interface RenderedEmail {
  subject: string
  text: string
  html: string
}

/** A part of a mail: a paragraph of the plain text, and one or more rows of the HTML card. */
export interface Part {
  text: string
  html: string
}

type Values = Record<string, string>

/** Returns a mail of parts. The same content gives the same bytes, so that a retry is recognised as one. */
export function composeMail(
  words: Words,
  brand: Branding,
  values: Values,
  mail: { subject: string; heading: string; preview: string; parts: Part[] },
): RenderedEmail {
  const footer = fill(words.automated, values)
  const text = [mail.heading, ...mail.parts.map((part) => part.text), `-- \n${footer}`]
  return {
    subject: fill(mail.subject, values),
    text: `${text.join('\n\n')}\n`,
    html: mailLayout({
      ...{ lang: words.lang, brand, title: mail.heading, preview: fill(mail.preview, values), footer },
      rows: mail.parts.map((part) => part.html).join('\n'),
    }),
  }
}

interface Tone {
  name: string
  colour: string
}
const INK: Tone = { name: 'ink', colour: '#14211e' }
const MUTED: Tone = { name: 'muted', colour: '#50605b' }
const CAUTION: Tone = { name: 'caution-ink', colour: '#6d4a00' }

/** Returns a sentence in HTML with its placeholders replaced by emphasised values. */
function fillHtml(sentence: string, values: Values, tone: Tone): string {
  const emphasise = (text: string) =>
    `<strong class="${tone.name}" style="color:${tone.colour}"><bdi>${escapeHtml(text)}</bdi></strong>`
  const emphasised = Object.entries(values).map(([name, value]) => [name, emphasise(value)])
  return fill(escapeHtml(sentence), Object.fromEntries(emphasised))
}

function paragraph(content: string, tone: Tone, style = ''): string {
  return `<p class="${tone.name}" style="margin:0;color:${tone.colour};${style}">${content}</p>`
}

export function sentence(text: string, values: Values, look: { padding?: string; style?: string } = {}): Part {
  const html = row(paragraph(fillHtml(text, values, INK), MUTED, look.style), look.padding)
  return { text: fill(text, values), html }
}

/** The last sentence of a mail, in small type. */
export const lastSentence = (text: string): Part =>
  sentence(text, {}, { padding: '0 40px 36px', style: 'font-size:14px' })

/** A link that looks like a button; `text` is its paragraph of the plain text. */
export function button(brand: Branding, href: string, label: string, look: { padding: string; text?: string }): Part {
  const style = `display:inline-block;padding:12px 20px;background:${brand.colour};border-radius:10px;color:${brand.onColour};font-weight:650;text-decoration:none`
  const link = `<a href="${escapeHtml(href)}" style="${style}">${escapeHtml(label)}</a>`
  return { text: look.text ?? `${label}: ${href}`, html: row(link, look.padding) }
}

const CODE_STYLE = `margin:0;padding-left:9px;color:#14211e;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
font-size:42px;line-height:1.2;font-weight:650;letter-spacing:9px;white-space:nowrap`

/** A large code to type. */
export function codeBox(code: string): Part {
  const style = 'padding:22px 8px;background:#eef5f3;border:1px solid #d6dedb;border-radius:12px'
  const content = `<p class="ink code" style="${CODE_STYLE}">${escapeHtml(code)}</p>`
  const html = row(box(`<td class="tint" align="center" style="${style}">${content}</td>`), '4px 40px 16px')
  return { text: `    ${code}`, html }
}

/** A warning in a frame, with its first sentence in bold. */
export function cautionBox(first: string, second: string, values: Values): Part {
  const style = 'padding:14px 16px;background:#fdf6e6;border:1px solid #e3cf9d;border-radius:10px;font-size:15px'
  const content = `<strong>${escapeHtml(first)}</strong> ${fillHtml(second, values, CAUTION)}`
  const html = row(box(`<td class="caution" style="${style}">${paragraph(content, CAUTION)}</td>`))
  return { text: `${first} ${fill(second, values)}`, html }
}

/** A frame around one cell. */
function box(cell: string): string {
  return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>${cell}</tr></table>`
}
