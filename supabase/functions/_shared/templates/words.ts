import { en } from './words-en.ts'

/** The sentences of the mails in one language. `{name}` marks a place that `fill` replaces. */
export interface Words {
  lang: string
  brand: string
  minute: string
  minutes: string
  automated: string
  otp: {
    subject: string
    preview: string
    heading: string
    lead: string
    leadFor: string
    validity: string
    never: string
    where: string
    ignore: string
  }
  notice: {
    /** For a key without a name that can be shown. */
    unnamed: string
    api_key_leaked: NoticeWords
    api_key_expiring: NoticeWords
    unnamedClient: string
    device_connected: NoticeWords
    identities_merged: NoticeWords
  }
}

export interface NoticeWords {
  subject: string
  heading: string
  body: string[]
  action: string
}

const languages = new Map<string | undefined, Words>([[en.lang, en]])

/** The words for a BCP 47 locale by its language, English when there are none. */
export function wordsFor(locale: string | undefined): Words {
  return languages.get(locale?.split(/[-_]/)[0]?.toLowerCase()) ?? en
}

/** "1 minute", "10 minutes": whole minutes, rounded down so that a promise is never too long. */
export function minutesOf(words: Words, seconds: number): string {
  const count = Math.max(1, Math.floor(seconds / 60))
  return fill(count === 1 ? words.minute : words.minutes, { count: String(count) })
}

/** A sentence with its places filled; a place without a value stays visible. */
export function fill(sentence: string, values: Record<string, string>): string {
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place)
}
