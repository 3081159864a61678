import { LANGUAGES, type Language } from '../../shared/http/language.ts'
import { copy, pageLanguage } from './copy.ts'

/** The id of the form that the switch posts, so that the page comes back with what was typed. */
export const MAIN_FORM = 'page'

const others = (language: Language) =>
  (Object.entries(LANGUAGES) as [Language, string][]).filter(([one]) => one !== language)

/** The address of this page in another language; undefined for the answer to a form. */
function hrefIn(language: Language, request: { method: string; url: string }): string | undefined {
  if (request.method !== 'GET') return undefined
  const query = new URLSearchParams(new URL(request.url).search)
  query.set('language', language)
  return `?${query}`
}

/** Offers the page in the other languages: with `posts`, by posting its main form, which does nothing else then. */
export function LanguageSwitch({ posts }: { posts?: boolean }) {
  const { language, request } = pageLanguage()
  if (!request || (!posts && request.method !== 'GET')) return null
  return (
    <nav class="languages" aria-label={copy.language}>
      {others(language).map(([one, name]) =>
        posts ? (
          <button class="link" type="submit" form={MAIN_FORM} formnovalidate name="language" value={one} lang={one}>
            {name}
          </button>
        ) : (
          <a href={hrefIn(one, request)} lang={one} hreflang={one}>
            {name}
          </a>
        ),
      )}
    </nav>
  )
}
