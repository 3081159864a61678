import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** Consecutive wrong codes after which an authenticator is locked (NIST SP 800-63B-4 section 3.2.2). */
export const MAX_FAILURES = 100
export const MAX_AUTHENTICATORS = 5

/** Counted separately: strangers can attempt a sign-in, but lock neither known browsers nor step-up. */
export type TotpPurpose = 'sign_in' | 'known_browser' | 'step_up'

export type TotpAuthenticatorEvent =
  | {
      type: 'TotpEnrolled'
      data: { uai: string; step: number }
      /** Stored outside the event so that it can be destroyed. */
      secrets: { name: 'totp_secret'; sealed: Uint8Array }[]
    }
  | { type: 'TotpCodeAccepted'; data: { step: number } }
  | { type: 'TotpCodeRefused'; data: { purpose: TotpPurpose; failures: number } }
  | { type: 'TotpRemoved'; data: { reason: string } }

export type TotpAuthenticator =
  | { status: 'none' | 'removed' }
  | {
      status: 'active'
      uai: string
      /** The newest time step for which a code was accepted. */
      lastStep: number
      /** Wrong codes since the last right one. */
      failures: Record<TotpPurpose, number>
    }

const NONE = { sign_in: 0, known_browser: 0, step_up: 0 }

export const totpAuthenticator: Aggregate<TotpAuthenticator, TotpAuthenticatorEvent> = {
  type: 'totp_authenticator',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'TotpEnrolled':
        return { status: 'active', uai: event.data.uai, lastStep: event.data.step, failures: NONE }
      case 'TotpCodeAccepted':
        return state.status === 'active' ? { ...state, lastStep: event.data.step, failures: NONE } : state
      case 'TotpCodeRefused':
        if (state.status !== 'active') return state
        return { ...state, failures: { ...state.failures, [event.data.purpose]: event.data.failures } }
      case 'TotpRemoved':
        return { status: 'removed' }
    }
  },
}

/**
 * Enrols an authenticator, confirmed by a code of its secret.
 * @param input.step time step of that code, which is thereby used
 * @param input.secret sealed under the data key of the person
 */
export function enrol(
  state: TotpAuthenticator,
  input: { uai: string; step: number; secret: Uint8Array },
): Decision<TotpAuthenticatorEvent> {
  if (state.status !== 'none') return refuse('csrf_invalid')
  const { uai, step, secret } = input
  return record({ type: 'TotpEnrolled', data: { uai, step }, secrets: [{ name: 'totp_secret', sealed: secret }] })
}

/** Whether it is locked for this purpose; at a sign-in this looks like a wrong code. */
function lockOf(state: TotpAuthenticator, purpose: TotpPurpose): 'otp_invalid' | 'totp_locked' | undefined {
  if (state.status !== 'active') return 'otp_invalid'
  if (state.failures[purpose] < MAX_FAILURES) return undefined
  return purpose === 'step_up' ? 'totp_locked' : 'otp_invalid'
}

/**
 * Accepts a correct code; each time step is valid once, and no earlier step afterwards (RFC 6238 section 5.2).
 * @param input.step the newest time step in the window that the code matches
 */
export function accept(
  state: TotpAuthenticator,
  { step, purpose }: { step: number; purpose: TotpPurpose },
): Decision<TotpAuthenticatorEvent> {
  const lock = lockOf(state, purpose)
  if (lock) return refuse(lock)
  if (state.status !== 'active' || step <= state.lastStep) return refuse('otp_invalid')
  return record({ type: 'TotpCodeAccepted', data: { step } })
}

/** Counts a wrong code. */
export function miss(state: TotpAuthenticator, purpose: TotpPurpose): Decision<TotpAuthenticatorEvent> {
  const lock = lockOf(state, purpose)
  if (lock || state.status !== 'active') return refuse(lock ?? 'otp_invalid')
  const data = { purpose, failures: state.failures[purpose] + 1 }
  return refuse('otp_invalid', { type: 'TotpCodeRefused', data })
}

/** Removes the authenticator; removing it again changes nothing. */
export function remove(state: TotpAuthenticator, reason: string): Decision<TotpAuthenticatorEvent> {
  if (state.status === 'none') return refuse('not_found')
  return { events: state.status === 'active' ? [{ type: 'TotpRemoved', data: { reason } }] : [] }
}
