import fc from 'fast-check'
import { HOTP, Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { recover, session, stepUp } from '../../shared/domain/session.ts'
import {
  accept,
  enrol,
  MAX_FAILURES,
  miss,
  remove,
  type TotpAuthenticatorEvent,
  totpAuthenticator,
} from '../../shared/domain/totp-authenticator.ts'
import { matchingStep, newTotpSecret, stepOf, totpCode, totpUri } from '../../shared/tokens/totp.ts'
import { given, NOW, stateOf } from '../support/given.ts'

const UAI = '0195d100-0000-7000-8000-000000000001'
const secret = Buffer.from('sealed')
const enrolled: TotpAuthenticatorEvent = {
  type: 'TotpEnrolled',
  data: { uai: UAI, step: 100 },
  secrets: [{ name: 'totp_secret', sealed: secret }],
}
const refused = (failures: number): TotpAuthenticatorEvent => ({
  type: 'TotpCodeRefused',
  data: { purpose: 'step_up', failures },
})
const removed: TotpAuthenticatorEvent = { type: 'TotpRemoved', data: { reason: 'person' } }

describe('codes', () => {
  test('are those of RFC 6238 appendix B and RFC 4226 appendix D', () => {
    const key = new Secret({ buffer: new Uint8Array(Buffer.from('12345678901234567890')).buffer }).base32
    const eight = { 59: '94287082', 1111111109: '07081804', 1111111111: '14050471', 1234567890: '89005924' }
    for (const [at, code] of Object.entries(eight))
      expect(totpCode(key, stepOf(new Date(Number(at) * 1000)))).toBe(code.slice(2))
    expect([0, 1, 2, 3, 4].map((counter) => totpCode(key, counter))).toEqual([
      ...['755224', '287082', '359152', '969429', '338314'],
    ])
  })

  test('are those of an authenticator app, for any secret and time', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000), (at) => {
        const key = newTotpSecret()
        const timestamp = at * 1000
        expect(totpCode(key, stepOf(new Date(timestamp)))).toBe(
          new TOTP({ secret: Secret.fromBase32(key) }).generate({ timestamp }),
        )
      }),
    )
    expect(HOTP.defaults.digits).toBe(6)
  })

  test('match one step around now, and no other', () => {
    const key = newTotpSecret()
    const step = stepOf(NOW)
    const found = [-3, -2, -1, 0, 1, 2, 3].map((n) => matchingStep(key, totpCode(key, step + n), NOW))
    expect(found).toEqual([undefined, undefined, step - 1, step, step + 1, undefined, undefined])
    expect(matchingStep(key, '', NOW)).toBeUndefined()
  })

  test('come from a URI that names account and issuer', () => {
    const uri = totpUri('JBSWY3DPEHPK3PXP', 'Lan Onasis', 'ada+x@example.com')
    expect(uri).toBe(
      'otpauth://totp/Lan%20Onasis:ada%2Bx%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Lan%20Onasis&algorithm=SHA1&digits=6&period=30',
    )
  })
})

describe('an authenticator', () => {
  test('enrolled: by a code, whose step is spent, once', () => {
    given(totpAuthenticator)
      .when((state) => enrol(state, { uai: UAI, step: 100, secret }))
      .then([enrolled])
    for (const history of [[enrolled], [enrolled, removed]])
      given(totpAuthenticator, ...history)
        .when((state) => enrol(state, { uai: UAI, step: 101, secret }))
        .then([], 'csrf_invalid')
  })

  test('accepted: a later step, which sets the failures to nothing', () => {
    const after = given(totpAuthenticator, enrolled, refused(1), refused(2))
      .when((state) => accept(state, { step: 101, purpose: 'step_up' }))
      .then([{ type: 'TotpCodeAccepted', data: { step: 101 } }])
    expect(after).toMatchObject({ lastStep: 101, failures: { sign_in: 0, step_up: 0 } })
  })

  test.each([99, 100])(
    'otp_invalid: step %i when 100 was used (RFC 6238 section 5.2), with nothing counted',
    (step) => {
      given(totpAuthenticator, enrolled)
        .when((state) => accept(state, { step: step, purpose: 'step_up' }))
        .then([], 'otp_invalid')
    },
  )

  test('otp_invalid: a wrong code is counted', () => {
    given(totpAuthenticator, enrolled, refused(1))
      .when((state) => miss(state, 'step_up'))
      .then([refused(2)], 'otp_invalid')
  })

  test('totp_locked: after 100 wrong codes in a row no code helps (NIST SP 800-63B-4 section 3.2.2)', () => {
    const locked = given(totpAuthenticator, enrolled, refused(MAX_FAILURES - 1))
      .when((state) => miss(state, 'step_up'))
      .then([refused(MAX_FAILURES)], 'otp_invalid')
    expect(miss(locked, 'step_up')).toEqual({ events: [], refuse: 'totp_locked' })
    expect(accept(locked, { step: 200, purpose: 'step_up' })).toEqual({ events: [], refuse: 'totp_locked' })
  })

  test('otp_invalid: strangers who used up all sign-in attempts learn nothing, and the person can still step up', () => {
    const tried: TotpAuthenticatorEvent = {
      type: 'TotpCodeRefused',
      data: { purpose: 'sign_in', failures: MAX_FAILURES },
    }
    const state = stateOf(totpAuthenticator, [enrolled, tried])
    expect(accept(state, { step: 101, purpose: 'sign_in' })).toEqual({ events: [], refuse: 'otp_invalid' })
    expect(miss(state, 'sign_in')).toEqual({ events: [], refuse: 'otp_invalid' })
    expect(accept(state, { step: 101, purpose: 'step_up' }).events).toHaveLength(1)
  })

  test('removed: once, and then it takes no code', () => {
    const gone = given(totpAuthenticator, enrolled)
      .when((state) => remove(state, 'person'))
      .then([removed])
    expect(remove(gone, 'person')).toEqual({ events: [] })
    expect(accept(gone, { step: 200, purpose: 'step_up' })).toEqual({ events: [], refuse: 'otp_invalid' })
    expect(miss(gone, 'step_up')).toEqual({ events: [], refuse: 'otp_invalid' })
    expect(remove(stateOf(totpAuthenticator, []), 'person').refuse).toBe('not_found')
  })
})

describe('a step-up', () => {
  const started = (method: string, amr: string[]) =>
    ({ type: 'SessionStarted', data: { uai: UAI, method, amr } }) as never
  const ended = { type: 'SessionEnded', data: { reason: 'logout' } } as const
  const app = { provenBy: { type: 'totp_authenticator', id: UAI }, handleHash: 'hash', now: NOW } as const
  const code = { ...app, provenBy: { type: 'recovery_codes', id: UAI } } as const
  const at = NOW.toISOString()

  test('multi-factor: the app adds to what the session began with, and gives it a new handle', () => {
    const acr = 'urn:lanonasis:acr:multi-factor'
    given(session, started('password', ['pwd']))
      .when((state) => stepUp(state, app))
      .then([
        {
          type: 'SessionSteppedUp',
          data: { amr: ['pwd', 'otp', 'mfa'], acr, at, handleHash: 'hash', provenBy: app.provenBy },
        },
      ])
  })

  test('recovered: a recovery code gives a new handle and no more', () => {
    given(session, started('otp', ['otp']))
      .when((state) => recover(state, code))
      .then([{ type: 'SessionRecovered', data: { at, handleHash: 'hash', provenBy: code.provenBy } }])
  })

  test('another_proof_needed: the factor that the session began with', () => {
    given(session, started('totp', ['otp']))
      .when((state) => stepUp(state, app))
      .then([], 'another_proof_needed')
    given(session, started('recovery_code', ['otp']))
      .when((state) => recover(state, code))
      .then([], 'another_proof_needed')
  })

  test('session_invalid: a session that has ended', () => {
    for (const decide of [stepUp, recover])
      given(session, started('otp', ['otp']), ended)
        .when((state) => decide(state, { ...app, provenBy: app.provenBy as never }))
        .then([], 'session_invalid')
  })
})
