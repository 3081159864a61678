import { de } from './words-de.ts'
import { en } from './words-en.ts'
import { es } from './words-es.ts'
import { fr } from './words-fr.ts'
import { pt } from './words-pt.ts'

/** What happened to an account that its owner is told of. */
export const NOTICE_KINDS = [
  'api_key_leaked',
  'api_key_expiring',
  'device_connected',
  'identities_merged',
  'phone_added',
  'sign_in_method_added',
  'sign_in_method_removed',
  'authenticator_added',
  'authenticator_removed',
  'recovery_codes_made',
  'recovery_code_used',
  'operator_code_made',
] as const
export type NoticeKind = (typeof NOTICE_KINDS)[number]

export interface NoticeWords {
  subject: string
  heading: string
  body: string[]
  action: string
}

/**
 * The sentences of all messages in one language; a language that lacks one does not compile. `{name}` marks a place that
 * `fill` replaces; `{brand}` is the name of who sends.
 */
export interface Words {
  lang: string
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
  /** A link to sign in with. */
  link: {
    subject: string
    heading: string
    lead: string
    leadFor: string
    action: string
    validity: string
    ignore: string
  }
  /** Text messages. They go out in one segment where letters of the GSM alphabet (3GPP TS 23.038) allow it. */
  sms: {
    /** Without how long it counts. */
    plain: string
    code: string
    never: string
  }
  notice: {
    /** For a key without a name that can be shown, and for an application. */
    unnamed: string
    unnamedClient: string
  } & Record<NoticeKind, NoticeWords>
}

const languages = new Map<string | undefined, Words>([en, de, fr, es, pt].map((words) => [words.lang, words]))

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
