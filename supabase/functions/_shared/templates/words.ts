import { de } from './words-de.ts'
import { en } from './words-en.ts'
import { es } from './words-es.ts'
import { fr } from './words-fr.ts'
import { pt } from './words-pt.ts'

/** Changes of an account that its owner is notified of. */
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
  'passkey_added',
  'passkey_removed',
  'recovery_codes_made',
  'recovery_code_used',
  'operator_code_made',
  'new_sign_in',
] as const
export type NoticeKind = (typeof NOTICE_KINDS)[number]

/** Mails of Supabase Auth that ask for an action. */
export const REQUESTS = [
  'signup',
  'invite',
  'magiclink',
  'recovery',
  'email_change_current',
  'email_change_new',
  'reauthentication',
] as const
/** Mails of Supabase Auth that notify of a change. */
export const NOTIFICATIONS = [
  'password_changed_notification',
  'email_changed_notification',
  'phone_changed_notification',
  'identity_linked_notification',
  'identity_unlinked_notification',
  'mfa_factor_enrolled_notification',
  'mfa_factor_unenrolled_notification',
  // For kinds that are not in this list.
  'account_changed_notification',
] as const
export type AuthMailKind = (typeof REQUESTS)[number] | (typeof NOTIFICATIONS)[number]

/**
 * The sentences of all messages in one language; a language that misses one does not compile. `{name}` marks a placeholder that
 * `fill` replaces; `{brand}` is the name of the sender.
 */
export interface Words {
  lang: string
  minute: string
  minutes: string
  automated: string
  otp: Record<
    'subject' | 'preview' | 'heading' | 'lead' | 'leadFor' | 'validity' | 'never' | 'where' | 'ignore',
    string
  >
  /** A sign-in link. */
  link: Record<'subject' | 'heading' | 'lead' | 'leadFor' | 'action' | 'validity' | 'ignore', string>
  /**
   * Text messages. They take one segment if they use the GSM alphabet (3GPP TS 23.038) only; `plain` does not say how long the code is
   * valid.
   */
  sms: Record<'plain' | 'code' | 'never', string>
  notice: {
    /** The action of a notice that names no other one. */
    openAccount: string
    /** For a key, or an application, without a name that can be shown. */
    unnamed: string
    unnamedClient: string
    /** For a sign-in by a program that is not a browser. */
    unnamedBrowser: string
  } & Record<NoticeKind, { subject: string; heading: string; body: string[]; action?: string }>
  /** The mails that are sent for Supabase Auth. `otherProvider` is used if the provider is unknown. */
  auth: Record<'code' | 'codeOnly' | 'once' | 'ignore' | 'alarm' | 'otherProvider', string> &
    Record<AuthMailKind, { subject: string; lead: string; action?: string }>
}

const languages = new Map<string | undefined, Words>([en, de, fr, es, pt].map((words) => [words.lang, words]))

/** Returns the words for the language of a BCP 47 locale, by default English. */
export function wordsFor(locale: string | undefined): Words {
  return languages.get(locale?.split(/[-_]/)[0]?.toLowerCase()) ?? en
}

/** "1 minute", "10 minutes": whole minutes, rounded down so that the stated lifetime is never too long. */
export function minutesOf(words: Words, seconds: number): string {
  const count = Math.max(1, Math.floor(seconds / 60))
  return fill(count === 1 ? words.minute : words.minutes, { count: String(count) })
}

/** Replaces the placeholders of a sentence; one without a value stays visible. */
export function fill(sentence: string, values: Record<string, string>): string {
  return sentence.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place)
}
