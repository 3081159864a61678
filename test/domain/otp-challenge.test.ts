import { describe, expect, test } from 'vitest'
import {
  issue,
  LIFETIME_SECONDS,
  MAX_ATTEMPTS,
  type OtpChallengeEvent,
  otpChallenge,
  recordUndelivered,
  replace,
  verify,
} from '../../shared/domain/otp-challenge.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const UAI = '0195d100-0000-7000-8000-000000000001'
const issued = (browserHash?: string): OtpChallengeEvent => ({
  type: 'OtpChallengeIssued',
  data: { channel: 'email', codeHash: 'c0de', expiresAt: later(LIFETIME_SECONDS).toISOString(), browserHash },
  personal: { address: 'Ada@Example.com' },
  lookups: browserHash
    ? [{ kind: 'otp_browser_address', value: 'ada@example.com' }]
    : [
        { kind: 'otp_address', value: 'ada@example.com' },
        { kind: 'otp_network_address', value: 'ada@example.com 192.0.2' },
      ],
})
const failed = (count: number): OtpChallengeEvent[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'OtpAttemptFailed', data: { attempt: index + 1 } }))
const consumed: OtpChallengeEvent = { type: 'OtpChallengeConsumed', data: { uai: UAI } }
const ended: OtpChallengeEvent[] = [
  consumed,
  { type: 'OtpChallengeLocked', data: { reason: 'attempts' } },
  { type: 'OtpChallengeReplaced', data: { by: 'newer' } },
  { type: 'OtpDeliveryFailed', data: { reason: 'recipient_refused' } },
]
const right = { matches: true, sameBrowser: true, uai: UAI, now: NOW }
const wrong = { ...right, matches: false }

describe('issue', () => {
  test('issued: the address is personal, only the keyed hash and the expiry are data', () => {
    const input = {
      address: 'Ada@Example.com',
      channel: 'email' as const,
      lookup: 'ada@example.com',
      networkLookup: 'ada@example.com 192.0.2',
      codeHash: 'c0de',
      now: NOW,
    }
    const after = given(otpChallenge)
      .when(() => issue(input))
      .then([issued()])
    expect(after).toEqual({ status: 'open', codeHash: 'c0de', expiresAt: later(600), attempts: 0 })
    expect(JSON.stringify(issue(input).events[0]?.data)).not.toMatch(/ada/i)
    given(otpChallenge)
      .when(() => issue({ ...input, browserHash: 'browser' }))
      .then([issued('browser')])
  })
})

describe('verify', () => {
  test('consumed: the right code in time', () => {
    given(otpChallenge, issued())
      .when((state) => verify(state, right))
      .then([consumed])
  })

  test('consumed: the right code after four wrong ones', () => {
    given(otpChallenge, issued(), ...failed(MAX_ATTEMPTS - 1))
      .when((state) => verify(state, right))
      .then([consumed])
  })

  test.each(Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => index))(
    'otp_invalid: a wrong code after %i others is counted',
    (before) => {
      given(otpChallenge, issued(), ...failed(before))
        .when((state) => verify(state, wrong))
        .then([{ type: 'OtpAttemptFailed', data: { attempt: before + 1 } }], 'otp_invalid')
    },
  )

  test('otp_invalid: the fifth wrong code locks the challenge, and the right one no longer helps', () => {
    const locked = given(otpChallenge, issued(), ...failed(MAX_ATTEMPTS - 1))
      .when((state) => verify(state, wrong))
      .then(
        [
          { type: 'OtpAttemptFailed', data: { attempt: MAX_ATTEMPTS } },
          { type: 'OtpChallengeLocked', data: { reason: 'attempts' } },
        ],
        'otp_invalid',
      )
    expect(verify(locked, right)).toEqual({ events: [], refuse: 'otp_invalid' })
  })

  test('consumed: one millisecond before the expiry', () => {
    given(otpChallenge, issued())
      .when((state) => verify(state, { ...right, now: new Date(later(LIFETIME_SECONDS).getTime() - 1) }))
      .then([consumed])
  })

  test.each([LIFETIME_SECONDS, LIFETIME_SECONDS + 1, 86_400])(
    'otp_invalid: the right code after %i seconds, with nothing recorded',
    (seconds) => {
      given(otpChallenge, issued())
        .when((state) => verify(state, { ...right, now: later(seconds) }))
        .then([], 'otp_invalid')
    },
  )

  test('otp_invalid: the right code from another browser, which cannot use up tries either', () => {
    for (const input of [right, wrong])
      given(otpChallenge, issued('browser'))
        .when((state) => verify(state, { ...input, sameBrowser: false }))
        .then([], 'otp_invalid')
  })

  test('otp_invalid: no challenge at all', () => {
    given(otpChallenge)
      .when((state) => verify(state, right))
      .then([], 'otp_invalid')
  })

  test.each(ended)('otp_invalid: the right code after $type', (end) => {
    given(otpChallenge, issued(), end)
      .when((state) => verify(state, right))
      .then([], 'otp_invalid')
  })
})

describe('replace', () => {
  test('replaced: an open challenge names its successor', () => {
    given(otpChallenge, issued())
      .when((state) => replace(state, 'newer'))
      .then([{ type: 'OtpChallengeReplaced', data: { by: 'newer' } }])
  })

  test.each(ended)('nothing: a challenge after $type is unchanged', (end) => {
    given(otpChallenge, issued(), end)
      .when((state) => replace(state, 'newer'))
      .then([])
  })
})

describe('delivery', () => {
  test('failed: the code is void, its browser stays bound', () => {
    const after = given(otpChallenge, issued('browser'))
      .when((state) => recordUndelivered(state, 'provider_down'))
      .then([{ type: 'OtpDeliveryFailed', data: { reason: 'provider_down' } }])
    expect(after).toEqual({ status: 'closed', browserHash: 'browser' })
  })

  test.each(ended)('nothing: a failure that is reported after $type', (end) => {
    given(otpChallenge, issued(), end)
      .when((state) => recordUndelivered(state, 'provider_down'))
      .then([])
  })

  test('counted late: a failed try after the end opens nothing again', () => {
    expect(stateOf(otpChallenge, [issued(), consumed, ...failed(1)]).status).toBe('closed')
  })
})
