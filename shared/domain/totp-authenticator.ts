import type { Aggregate, Decision } from '../events/types.ts'

/** Wrong codes in a row after which an authenticator takes none any more (NIST SP 800-63B-4 section 3.2.2). */
export const MAX_FAILURES = 100
export const MAX_AUTHENTICATORS = 5

export type TotpAuthenticatorEvent =
  | {
      type: 'TotpEnrolled'
      data: { uai: string; step: number }
      /** Beside the event, where it can be destroyed. */
      secrets: { name: 'totp_secret'; sealed: Uint8Array }[]
    }
  | { type: 'TotpCodeAccepted'; data: { step: number } }
  | { type: 'TotpCodeRefused'; data: { failures: number } }
  | { type: 'TotpRemoved'; data: { reason: string } }

export type TotpAuthenticator =
  | { status: 'none' | 'removed' }
  | {
      status: 'active'
      uai: string
      /** The newest time step of which a code was accepted. */
      lastStep: number
      /** Wrong codes since the last right one. */
      failures: number
    }

export const totpAuthenticator: Aggregate<TotpAuthenticator, TotpAuthenticatorEvent> = {
  type: 'totp_authenticator',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'TotpEnrolled':
        return { status: 'active', uai: event.data.uai, lastStep: event.data.step, failures: 0 }
      case 'TotpCodeAccepted':
        return state.status === 'active' ? { ...state, lastStep: event.data.step, failures: 0 } : state
      case 'TotpCodeRefused':
        return state.status === 'active' ? { ...state, failures: event.data.failures } : state
      case 'TotpRemoved':
        return { status: 'removed' }
    }
  },
}

/**
 * The authenticator has shown a code of its secret, so it is the person's from now on. Enrolling it again changes nothing.
 * @param input.step time step of that code, which is spent by this
 * @param input.secret sealed under the data key of the person
 */
export function enrol(
  state: TotpAuthenticator,
  input: { uai: string; step: number; secret: Uint8Array },
): Decision<TotpAuthenticatorEvent> {
  if (state.status === 'active') return { events: [] }
  if (state.status === 'removed') return { events: [], refuse: 'csrf_invalid' }
  const { uai, step, secret } = input
  return {
    events: [{ type: 'TotpEnrolled', data: { uai, step }, secrets: [{ name: 'totp_secret', sealed: secret }] }],
  }
}

/**
 * Takes a code that is right for a time step; each step once, and none before it (RFC 6238 section 5.2).
 * @param step the newest time step in the window that the code is right for
 */
export function accept(state: TotpAuthenticator, step: number): Decision<TotpAuthenticatorEvent> {
  if (state.status !== 'active') return { events: [], refuse: 'otp_invalid' }
  if (state.failures >= MAX_FAILURES) return { events: [], refuse: 'totp_locked' }
  if (step <= state.lastStep) return { events: [], refuse: 'otp_invalid' }
  return { events: [{ type: 'TotpCodeAccepted', data: { step } }] }
}

/** Counts a wrong code. */
export function miss(state: TotpAuthenticator): Decision<TotpAuthenticatorEvent> {
  if (state.status !== 'active') return { events: [], refuse: 'otp_invalid' }
  if (state.failures >= MAX_FAILURES) return { events: [], refuse: 'totp_locked' }
  return { events: [{ type: 'TotpCodeRefused', data: { failures: state.failures + 1 } }], refuse: 'otp_invalid' }
}

/** Removing it again changes nothing. */
export function remove(state: TotpAuthenticator, reason: string): Decision<TotpAuthenticatorEvent> {
  if (state.status === 'none') return { events: [], refuse: 'not_found' }
  return { events: state.status === 'active' ? [{ type: 'TotpRemoved', data: { reason } }] : [] }
}
