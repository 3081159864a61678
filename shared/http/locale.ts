import { accepts } from 'hono/accepts'
import type { AppContext } from './app.ts'

/** Languages that there are messages in (`supabase/functions/_shared/templates`). */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt']

/** The language that the caller's browser asks for first among ours, if any (RFC 9110 section 12.5.4). */
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
