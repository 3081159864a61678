import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'
import type { Channel } from './message.ts'

/** Wrong attempts before a code is locked (stricter than NIST SP 800-63B-4 section 3.2.2). */
export const MAX_ATTEMPTS = 5
export const LIFETIME_SECONDS = 600

/** Sources and destinations of codes by text message. */
export type SmsSourceKind =
  | 'sms_caller'
  | 'sms_network'
  | 'sms_range'
  | 'sms_block'
  | 'sms_known_network'
  | 'sms_known_block'

export type OtpChallengeEvent =
  | {
      type: 'OtpChallengeIssued'
      data: { channel: Channel; country?: string; codeHash: string; expiresAt: string; browserHash?: string }
      personal: { address: string }
      /**
       * A code bound to one browser cannot be looked up by address alone, so that no other browser can replace or use it. Other codes
       * belong to the requesting network.
       */
      lookups: { kind: 'otp_address' | 'otp_browser_address' | 'otp_network_address' | SmsSourceKind; value: string }[]
    }
  /** The code could not be sent. Any other delivery status is in the message stream with the same id. */
  | { type: 'OtpDeliveryFailed'; data: { reason: string } }
  | { type: 'OtpAttemptFailed'; data: { attempt: number } }
  | { type: 'OtpChallengeLocked'; data: { reason: 'attempts' } }
  | { type: 'OtpChallengeReplaced'; data: { by: string } }
  | { type: 'OtpChallengeConsumed'; data: { uai: string } }

export type OtpChallenge =
  | { status: 'none' }
  | { status: 'open'; codeHash: string; expiresAt: Date; attempts: number; browserHash?: string }
  | { status: 'closed'; browserHash?: string }

export const otpChallenge: Aggregate<OtpChallenge, OtpChallengeEvent> = {
  type: 'otp_challenge',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'OtpChallengeIssued': {
        const { codeHash, expiresAt, browserHash } = event.data
        return { status: 'open', codeHash, expiresAt: new Date(expiresAt), attempts: 0, browserHash }
      }
      case 'OtpAttemptFailed':
        return state.status === 'open' ? { ...state, attempts: event.data.attempt } : state
      case 'OtpDeliveryFailed':
      case 'OtpChallengeLocked':
      case 'OtpChallengeReplaced':
      case 'OtpChallengeConsumed':
        return { status: 'closed', browserHash: state.status === 'none' ? undefined : state.browserHash }
    }
  },
}

export function issue(input: {
  channel: Channel
  /** Country of a phone number, ISO 3166. */
  country?: string
  address: string
  /** Lookup value of the address. */
  lookup: string
  /** Lookup value of the address within the requesting network. */
  networkLookup: string
  sources?: { kind: SmsSourceKind; value: string }[]
  codeHash: string
  browserHash?: string
  now: Date
}): Decision<OtpChallengeEvent> {
  const { channel, country, address, lookup, networkLookup, sources = [], codeHash, browserHash } = input
  const expiresAt = new Date(input.now.getTime() + LIFETIME_SECONDS * 1000).toISOString()
  return record({
    type: 'OtpChallengeIssued',
    data: { channel, country, codeHash, expiresAt, browserHash },
    personal: { address },
    lookups: [
      ...(browserHash
        ? [{ kind: 'otp_browser_address' as const, value: lookup }]
        : [
            { kind: 'otp_address' as const, value: lookup },
            { kind: 'otp_network_address' as const, value: networkLookup },
          ]),
      ...sources,
    ],
  })
}

/** Invalidates a code when a newer one for the same address is issued. */
export function replace(state: OtpChallenge, by: string): Decision<OtpChallengeEvent> {
  return { events: state.status === 'open' ? [{ type: 'OtpChallengeReplaced', data: { by } }] : [] }
}

/** Invalidates a code that could not be sent. */
export function recordUndelivered(state: OtpChallenge, reason: string): Decision<OtpChallengeEvent> {
  return { events: state.status === 'open' ? [{ type: 'OtpDeliveryFailed', data: { reason } }] : [] }
}

/**
 * Checks a code against the challenge. An attempt is counted before the caller learns its outcome, since both are one append.
 * @param input.matches whether the keyed hash of the presented code equals `state.codeHash`, compared in constant time
 * @param input.sameBrowser whether the request comes from the bound browser, if any
 */
export function verify(
  state: OtpChallenge,
  input: { matches: boolean; sameBrowser: boolean; uai: string; now: Date },
): Decision<OtpChallengeEvent> {
  if (state.status !== 'open' || state.expiresAt <= input.now || !input.sameBrowser) return refuse('otp_invalid')
  if (input.matches) return record({ type: 'OtpChallengeConsumed', data: { uai: input.uai } })
  const attempt = state.attempts + 1
  const events: OtpChallengeEvent[] = [{ type: 'OtpAttemptFailed', data: { attempt } }]
  if (attempt >= MAX_ATTEMPTS) events.push({ type: 'OtpChallengeLocked', data: { reason: 'attempts' } })
  return refuse('otp_invalid', ...events)
}
