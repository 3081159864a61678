import { describe, expect, test } from 'vitest'
import {
  CODE_SECONDS,
  MAX_TRIES,
  type OperatorCodeEvent,
  operatorCode,
  requestCode,
  useCode,
} from '../../shared/domain/operator-code.ts'
import { given, later, NOW, stateOf } from '../support/given.ts'

const [uai, operator] = ['0195d100-0000-7000-8000-000000000001', '0195d100-0000-7000-8000-000000000002']
const asked = { uai, operator, reason: 'lost phone', needsSecond: false, partHash: 'hash', now: NOW }
const requested = requestCode(asked).events as OperatorCodeEvent[]
const refused = (attempt: number): OperatorCodeEvent => ({ type: 'OperatorCodeRefused', data: { attempt } })
const missed = (tries: number) => [...requested, ...Array.from({ length: tries }, (_, n) => refused(n + 1))]

describe('a code of an operator', () => {
  test.each([1, 100, 9999])('opens after %i wrong tries by strangers, who must not void it', (tries) => {
    given(operatorCode, ...missed(tries))
      .when((state) => useCode(state, { matches: true, now: NOW }))
      .then([{ type: 'OperatorCodeUsed', data: {} }])
  })

  test('otp_invalid for the right code after 10,000 wrong tries, which guess one code in 38 million', () => {
    expect(stateOf(operatorCode, missed(MAX_TRIES))).toEqual({ status: 'closed' })
    given(operatorCode, ...missed(MAX_TRIES - 1))
      .when((state) => useCode(state, { matches: false, now: NOW }))
      .then([refused(10_000)], 'otp_invalid')
    given(operatorCode, ...missed(MAX_TRIES))
      .when((state) => useCode(state, { matches: true, now: NOW }))
      .then([], 'otp_invalid')
  })

  test('otp_invalid once its 15 minutes are over, however few tries there were', () => {
    given(operatorCode, ...requested)
      .when((state) => useCode(state, { matches: true, now: later(CODE_SECONDS) }))
      .then([], 'otp_invalid')
  })
})
