import { AsyncLocalStorage } from 'node:async_hooks'
import { brandName } from '../../shared/config.ts'
import { catalogue, type GatewayError, type Refusal } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import {
  chooseLanguage,
  type Language,
  languageOf,
  languageOfTag,
  requestLanguage,
} from '../../shared/http/language.ts'
import { en, type Texts } from './texts/texts-en.ts'
import type { Translation } from './texts/translation.ts'

type Sections = typeof en | Translation

/** Loads a language when a page first needs it. */
const LOADERS: { [Other in Exclude<Language, 'en'>]: () => Promise<Translation> } = {
  de: async () => (await import('./texts/texts-de.ts')).de,
  fr: async () => (await import('./texts/texts-fr.ts')).fr,
  es: async () => (await import('./texts/texts-es.ts')).es,
  pt: async () => (await import('./texts/texts-pt.ts')).pt,
}

type Asked = { method: string; url: string }

/** The language that the pages of a request are in. */
type Speaking = { language: Language; texts: Sections; request: Asked }
const speaking = new AsyncLocalStorage<Speaking>()

const textsOf = async (language: Language): Promise<Sections> => (language === 'en' ? en : LOADERS[language]())

/** Renders pages in the language of the request; pages outside of it are in English. */
export async function inLanguage<Result>(c: AppContext, work: () => Promise<Result>): Promise<Result> {
  const language = languageOf(c) ?? 'en'
  requestLanguage(c.var.call, c.req.query('ui_locales'))
  const chosen = languageOfTag(c.req.query('language'))
  if (chosen) chooseLanguage(c.var.call, chosen)
  return inGivenLanguage(language, c.req, work)
}

/** Renders the pages that answer a request in a language. */
export async function inGivenLanguage<Result>(
  language: Language,
  request: Asked,
  work: () => Promise<Result>,
): Promise<Result> {
  return speaking.run({ language, texts: await textsOf(language), request }, work)
}

async function speak(language: Language | undefined): Promise<void> {
  const store = speaking.getStore()
  if (store && language) Object.assign(store, { language, texts: await textsOf(language) })
}

/** Continues in the language that a person chose in a form; returns whether they did. */
export async function switchLanguage(c: AppContext, tag: string | undefined): Promise<boolean> {
  const language = languageOfTag(tag)
  if (!language) return false
  chooseLanguage(c.var.call, language)
  await speak(language)
  return true
}

/** Continues in the first language of `ui_locales` that the pages have, unless the person chose one. */
export const preferLanguages = (c: AppContext, uiLocales: string | null): Promise<void> =>
  speak(requestLanguage(c.var.call, uiLocales))

/** The language of the page, and the request that it answers if it is in the language of that. */
export function pageLanguage(): { language: Language; request?: Asked } {
  const store = speaking.getStore()
  return store ? { language: store.language, request: store.request } : { language: 'en' }
}

const expanded = new WeakMap<object, unknown>()

/** Inserts the name of the deployment into the sentences of a section, once. */
function withBrand<Section>(section: Section): Section {
  if (typeof section === 'string') return section.replaceAll('{brand}', brandName()) as Section
  const one = section as object
  if (!expanded.has(one))
    expanded.set(one, Object.fromEntries(Object.entries(one).map(([name, value]) => [name, withBrand(value)])))
  return expanded.get(one) as Section
}

/** The sentences of the pages in the language of the request. Read them while a page is made, not when a module is loaded. */
export const copy: Texts = new Proxy(en as Texts, {
  get: (_, name: keyof Texts) => withBrand((speaking.getStore()?.texts ?? en)[name]),
})

/** The sentence of a refusal. */
export function refusalText(refusal: Refusal): string {
  const texts = speaking.getStore()?.texts
  const sentences: Record<string, string> = texts && 'refusals' in texts ? withBrand(texts.refusals) : {}
  return sentences[refusal] ?? catalogue[refusal].message
}

/** The sentence of an error, without how long a full limit lasts. */
export const errorText = (error: GatewayError): string => error.options.description ?? refusalText(error.refusal)

type ScopeSentence = { sentence: string; sensitive: boolean }

const SENSITIVE_VERBS = new Set(['delete', 'manage', '*'])
const SENSITIVE = new Set([
  'account:write',
  'admin',
  'secrets:read',
  'secrets:write',
  'api-keys:write',
  'mcp:full',
  'mcp:*',
  'admin:*',
  'legacy:full_access',
  '*',
])

const own = (sentences: Record<string, string>, name: string) =>
  Object.hasOwn(sentences, name) ? sentences[name] : undefined

/**
 * Describes what `scope` lets a client do. Scopes of a known noun and verb are composed (`memories:team:read`);
 * an unknown scope is quoted and counts as sensitive.
 */
export function scopeSentence(scope: string): ScopeSentence {
  const { known, nouns, verbs, unknown } = copy.scopes
  const name = scope.replace(/^memory:/, 'memories:')
  const sentence = own(known, name)
  if (sentence !== undefined) return { sentence, sensitive: SENSITIVE.has(name) }
  const [thing = '', ...rest] = name.split(':')
  const action = rest.at(-1) ?? ''
  const noun = own(nouns, thing.replace('api_keys', 'api-keys'))
  const verb = own(verbs, action)
  if (noun === undefined || verb === undefined) return { sentence: fill(unknown, { scope }).join(''), sensitive: true }
  const area = rest.slice(0, -1).join(', ')
  return {
    sentence: fill(verb, { noun: area ? `${noun} (${area})` : noun }).join(''),
    sensitive: SENSITIVE_VERBS.has(action) || thing === 'secrets',
  }
}

/** Replaces the `{name}` placeholders of `template` with `parts`, which are not expanded again. */
export function fill<T>(template: string, parts: Record<string, T>): (T | string)[] {
  return template.split(/\{(\w+)\}/).map((piece, index) => (index % 2 ? (parts[piece] ?? '') : piece))
}
