import { accepts } from 'hono/accepts'
import type { Call } from '../call.ts'
import { isHttps } from '../config.ts'
import type { AppContext } from './app.ts'
import { USER_COOKIE } from './cookies.ts'

/** Languages of the pages (`netlify/pages/texts`) and of the messages (`supabase/functions/_shared/templates`), and what they call themselves. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español', pt: 'Português' } as const
export type Language = keyof typeof LANGUAGES

const COOKIE = 'lanonasis_language'
const CHOSEN_SECONDS = 365 * 86_400
/** As long as a sign-in lasts at most. */
const ASKED_SECONDS = 1800

/** The supported language of a BCP 47 tag, if there is one. */
export function languageOfTag(tag: string | undefined): Language | undefined {
  const language = tag?.split(/[-_]/)[0]?.toLowerCase() ?? ''
  return Object.hasOwn(LANGUAGES, language) ? (language as Language) : undefined
}

/** The first supported language of `ui_locales` (OpenID Connect Core section 3.1.2.1). */
const firstOf = (tags: string | null | undefined) => tags?.split(' ').map(languageOfTag).find(Boolean)

/** The supported language that the browser prefers, if any (RFC 9110 section 12.5.4). */
function acceptedLanguage(c: AppContext): Language | undefined {
  const found = accepts(c, {
    header: 'Accept-Language',
    supports: Object.keys(LANGUAGES),
    default: '',
    match: (asked, { default: otherwise }) =>
      asked
        .filter(({ q }) => q > 0)
        .map(({ type }) => languageOfTag(type))
        .find(Boolean) ?? otherwise,
  })
  return languageOfTag(found)
}

/** The language of the person who signed in to this browser last. */
function personLanguage(c: AppContext): Language | undefined {
  try {
    return languageOfTag(JSON.parse(c.var.call.request.cookies[USER_COOKIE] ?? '{}').locale)
  } catch {
    return undefined
  }
}

/**
 * The language of a request: chosen on a page, requested by the application with `ui_locales`, of the person, or of the browser. A choice
 * lasts a year, a request until the sign-in ends.
 */
export function languageOf(c: AppContext): Language | undefined {
  const query = (name: string) => c.req.query(name)
  const [how, kept] = (c.var.call.request.cookies[COOKIE] ?? '').split('.')
  return (
    languageOfTag(query('language')) ??
    (how === 'chosen' ? languageOfTag(kept) : undefined) ??
    firstOf(query('ui_locales')) ??
    languageOfTag(kept) ??
    personLanguage(c) ??
    acceptedLanguage(c)
  )
}

function keepLanguage(call: Call, how: 'chosen' | 'asked', language: Language): void {
  const maxAge = how === 'chosen' ? CHOSEN_SECONDS : ASKED_SECONDS
  call.setCookie(COOKIE, `${how}.${language}`, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: isHttps(),
    maxAge,
  })
}

/** Keeps the language that a person chose. */
export function chooseLanguage(call: Call, language: Language): void {
  keepLanguage(call, 'chosen', language)
}

/** Keeps the language that an application requests for the pages of its sign-in, unless the person chose one. */
export function requestLanguage(call: Call, uiLocales: string | null | undefined): Language | undefined {
  const language = firstOf(uiLocales)
  if (!language || call.request.cookies[COOKIE]?.startsWith('chosen.')) return undefined
  keepLanguage(call, 'asked', language)
  return language
}
