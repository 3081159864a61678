import { de } from './auth-words-de.ts'
import { en } from './auth-words-en.ts'
import { es } from './auth-words-es.ts'
import { fr } from './auth-words-fr.ts'
import { pt } from './auth-words-pt.ts'
import { type Words, wordsFor } from './words.ts'

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
export type AuthRequest = (typeof REQUESTS)[number]
export type AuthNotification = (typeof NOTIFICATIONS)[number]

/** The sentences of the mails that are sent for Supabase Auth, in one language. */
export type AuthWords = {
  code: string
  codeOnly: string
  once: string
  ignore: string
  alarm: string
  /** Used if the provider is unknown. */
  otherProvider: string
} & Record<AuthRequest, { subject: string; lead: string; action?: string }> &
  Record<AuthNotification, { subject: string; lead: string }>

const languages: Record<string, AuthWords> = { en, de, fr, es, pt }

/** Returns the words for a BCP 47 locale, and the common words of all mails in the same language. */
export function authWordsFor(locale: string | undefined): { words: Words; auth: AuthWords } {
  const words = wordsFor(locale)
  return { words, auth: languages[words.lang] ?? en }
}
