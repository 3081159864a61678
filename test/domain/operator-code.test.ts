import { describe, expect, test } from 'vitest'
import {
  approveCode,
  CODE_SECONDS,
  MAX_TRIES,
  type OperatorCodeEvent,
  operatorCode,
  requestCode,
  useCode,
} from '../../shared/domain/operator-code.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const [uai, operator] = ['0195d100-0000-7000-8000-000000000001', '0195d100-0000-7000-8000-000000000002']
const asked = { uai, operator, reason: 'lost phone', needsSecond: false, standing: 3, partHash: 'hash', now: NOW }
const requested = requestCode(asked).events as OperatorCodeEvent[]
const refused = (attempt: number): OperatorCodeEvent => ({ type: 'OperatorCodeRefused', data: { attempt } })
const missed = (tries: number) => [...requested, ...Array.from({ length: tries }, (_, n) => refused(n + 1))]

describe('a code of an operator', () => {
  test.each([1, 100, 9999])('opens after %i wrong tries by strangers, who must not void it', (tries) => {
    given(operatorCode, ...missed(tries))
      .when((state) => useCode(state, { matches: true, standing: 3, now: NOW }))
      .then([{ type: 'OperatorCodeUsed', data: {} }])
  })

  test('otp_invalid for the right code after 10,000 wrong tries, which guess one code in 38 million', () => {
    expect(stateOf(operatorCode, missed(MAX_TRIES))).toEqual({ status: 'closed' })
    given(operatorCode, ...missed(MAX_TRIES - 1))
      .when((state) => useCode(state, { matches: false, standing: 3, now: NOW }))
      .then([refused(10_000)], 'otp_invalid')
    given(operatorCode, ...missed(MAX_TRIES))
      .when((state) => useCode(state, { matches: true, standing: 3, now: NOW }))
      .then([], 'otp_invalid')
  })

  test('otp_invalid once its 15 minutes are over, however few tries there were', () => {
    given(operatorCode, ...requested)
      .when((state) => useCode(state, { matches: true, standing: 3, now: later(CODE_SECONDS) }))
      .then([], 'otp_invalid')
  })

  test('otp_invalid for the right code once the person’s standing has changed, and for a try nothing is counted', () => {
    for (const matches of [true, false])
      given(operatorCode, ...requested)
        .when((state) => useCode(state, { matches, standing: 4, now: NOW }))
        .then([], 'otp_invalid')
  })

  test('not_found for the agreement to a code that was made before the person’s standing changed', () => {
    const waiting = requestCode({ ...asked, needsSecond: true }).events as OperatorCodeEvent[]
    given(operatorCode, ...waiting)
      .when((state) =>
        approveCode(state, { operator: uai, members: [uai], standing: 4, reason: 'x', partHash: 'b', now: NOW }),
      )
      .then([], 'not_found')
  })
})
