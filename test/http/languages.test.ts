import { describe, expect, it } from 'vitest'
import { de } from '../../netlify/pages/texts/texts-de.ts'
import { en } from '../../netlify/pages/texts/texts-en.ts'
import { es } from '../../netlify/pages/texts/texts-es.ts'
import { fr } from '../../netlify/pages/texts/texts-fr.ts'
import { pt } from '../../netlify/pages/texts/texts-pt.ts'
import { SHOWN_REFUSALS } from '../../netlify/pages/texts/translation.ts'
import { catalogue } from '../../shared/errors.ts'
import { LANGUAGES } from '../../shared/http/language.ts'
import { wordsFor } from '../../supabase/functions/_shared/templates/words.ts'

/** Path → placeholders of each sentence. */
function placeholdersOf(texts: object, path = ''): [string, string[]][] {
  return Object.entries(texts).flatMap(([name, text]) =>
    typeof text === 'string'
      ? [[`${path}${name}`, (text.match(/\{\w+\}/g) ?? []).sort()] as [string, string[]]]
      : placeholdersOf(text, `${path}${name}.`),
  )
}

const english = { ...en, refusals: Object.fromEntries(SHOWN_REFUSALS.map((name) => [name, catalogue[name].message])) }
/** `{brand}` may be used where another language says it in another way. */
const comparable = (texts: object) =>
  Object.fromEntries(placeholdersOf(texts).map(([path, places]) => [path, places.filter((one) => one !== '{brand}')]))

describe.each(Object.entries({ de, fr, es, pt }))('the texts in %s', (language, texts) => {
  it('have the keys and placeholders of the English ones', () => {
    expect(comparable(texts)).toEqual(comparable(english))
  })

  it('have no sentence that is left in English', () => {
    const flat = (one: object, path = ''): [string, string][] =>
      Object.entries(one).flatMap(([name, text]) =>
        typeof text === 'string' ? [[`${path}${name}`, text] as [string, string]] : flat(text, `${path}${name}.`),
      )
    const originals = new Map(flat(english))
    const same = flat(texts).filter(([path, text]) => text === originals.get(path) && / .* /.test(text))
    expect(same.map(([path]) => path)).toEqual(['titleSite'])
  })

  it('name their language', () => {
    expect(texts.lang).toBe(language)
  })
})

it('pages and messages have the same languages', () => {
  expect(Object.keys(LANGUAGES).map((language) => wordsFor(language).lang)).toEqual(Object.keys(LANGUAGES))
})

it('every error that a form or the sign-in page shows is translated', () => {
  const shown = Object.entries(catalogue).filter(([, row]) => row.field || row.atSignIn)
  const translated = new Set<string>(SHOWN_REFUSALS)
  expect(shown.map(([name]) => name).filter((name) => !translated.has(name))).toEqual([])
})
