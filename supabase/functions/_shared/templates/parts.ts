import type { Branding } from './branding.ts'
import { escapeHtml } from './mail-layout.ts'
import { fill } from './words.ts'

export interface RenderedEmail {
  subject: string
  text: string
  html: string
}

export interface Tone {
  name: string
  colour: string
}
export const INK: Tone = { name: 'ink', colour: '#14211e' }
export const MUTED: Tone = { name: 'muted', colour: '#50605b' }
export const CAUTION: Tone = { name: 'caution-ink', colour: '#6d4a00' }

/** Returns a sentence in HTML with its placeholders replaced by emphasised values. */
export function fillHtml(sentence: string, values: Record<string, string>, tone: Tone): string {
  const emphasise = (text: string) =>
    `<strong class="${tone.name}" style="color:${tone.colour}"><bdi>${escapeHtml(text)}</bdi></strong>`
  const emphasised = Object.entries(values).map(([name, value]) => [name, emphasise(value)])
  return fill(escapeHtml(sentence), Object.fromEntries(emphasised))
}

export function paragraph(content: string, tone: Tone, style = ''): string {
  return `<p class="${tone.name}" style="margin:0;color:${tone.colour};${style}">${content}</p>`
}

/** A link that looks like a button. */
export function button(brand: Branding, href: string, label: string): string {
  const style = `display:inline-block;padding:12px 20px;background:${brand.colour};border-radius:10px;color:${brand.onColour};font-weight:650;text-decoration:none`
  return `<a href="${escapeHtml(href)}" style="${style}">${escapeHtml(label)}</a>`
}

const CODE_STYLE = `margin:0;padding-left:9px;color:#14211e;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
font-size:42px;line-height:1.2;font-weight:650;letter-spacing:9px;white-space:nowrap`

/** A large code to type. */
export function codeBox(code: string): string {
  const style = 'padding:22px 8px;background:#eef5f3;border:1px solid #d6dedb;border-radius:12px'
  return box(
    `<td class="tint" align="center" style="${style}"><p class="ink code" style="${CODE_STYLE}">${escapeHtml(code)}</p></td>`,
  )
}

/** A frame around one cell. */
export function box(cell: string): string {
  return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>${cell}</tr></table>`
}
