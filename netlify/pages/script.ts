import { hash } from 'node:crypto'
import { raw } from 'hono/html'
import { once } from '../../shared/once.ts'

/** Returns the Content-Security-Policy source of inline text. */
export const inlineSource = (text: string) => once(() => `'sha256-${hash('sha256', text, 'base64')}'`)

const sources = new Map<string, () => string>()

/** Makes the element of a script of ours, which every page that contains it may run. */
export function scriptElement(code: string) {
  const element = `<script>${code}</script>`
  sources.set(element, inlineSource(code))
  return raw(element)
}

/** Returns the Content-Security-Policy sources of the scripts of ours in a page. Text of others is escaped there. */
export const scriptSources = (html: string) =>
  [...sources].filter(([element]) => html.includes(element)).map(([, source]) => source())
