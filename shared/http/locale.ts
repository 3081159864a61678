import { accepts } from 'hono/accepts'
import type { AppContext } from './app.ts'

/** Languages of the messages (`supabase/functions/_shared/templates`). */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt']

/** The supported language that the browser prefers, if any (RFC 9110 section 12.5.4). */
export function askedLanguage(c: AppContext): string | undefined {
  const found = accepts(c, {
    header: 'Accept-Language',
    supports: LANGUAGES,
    default: '',
    match: (asked, { supports, default: otherwise }) =>
      asked
        .filter(({ q }) => q > 0)
        .map(({ type }) => type.split('-')[0]?.toLowerCase() ?? '')
        .find((language) => supports.includes(language)) ?? otherwise,
  })
  return found || undefined
}
