import type { Aggregate, Decision } from '../events/types.ts'
import { strengthen } from './authentication.ts'
import { type Authority, exceeds } from './derivation.ts'

export type SessionEnd = 'logout' | 'replaced' | 'revoked'

export type ProofSource =
  | 'otp_challenge'
  | 'session'
  | 'connection'
  | 'supabase_user'
  | 'totp_authenticator'
  | 'recovery_codes'
  | 'operator_code'

export type SessionFacts = {
  uai: string
  /** The browser's or program's session that single sign-on opened this one from; it ends with it. */
  openedFrom?: string
  /** Row id of the client that the session was started for; none for the browser's own single sign-on session. */
  clientId?: string
  platform: string
  projectScope: string
  method: string
  amr: string[]
  acr: string
  authenticatedAt: string
  /** Lower-case hex SHA-256 of the cookie's handle; none where there is no cookie. */
  handleHash?: string
  idleSeconds: number
  expiresAt: string
  /** The challenge, session or connection whose proof started this one. */
  provenBy: { type: ProofSource; id: string }
}

export type StepUp = {
  amr: string[]
  acr: string
  at: string
  /** Of the handle that takes the place of the one before (ASVS 7.2.4). */
  handleHash: string
  provenBy: { type: 'totp_authenticator'; id: string }
}

/** A recovery code in a session: enough to set up proofs anew, no more. */
export type Recovery = { at: string; handleHash: string; provenBy: { type: 'recovery_codes'; id: string } }

/** The session at another identity provider that a session began with: to be found when it ends there, and to be ended there. */
export type UpstreamSession = {
  /** What the provider calls the account and the session, each with the connection's name before it. */
  lookups: { account: string; session?: string }
  /** What ending it takes. */
  sealed: Uint8Array
}

export type SessionEvent =
  | {
      type: 'SessionStarted'
      data: SessionFacts
      lookups?: { kind: 'upstream_account' | 'upstream_session'; value: string }[]
      secrets?: { name: 'upstream'; sealed: Uint8Array; expiresAt: Date }[]
    }
  | { type: 'SessionSteppedUp'; data: StepUp }
  | { type: 'SessionRecovered'; data: Recovery }
  /** `why` is the reason that an operator gave. */
  | { type: 'SessionEnded'; data: { reason: SessionEnd; why?: string } }

export type Session =
  | { status: 'none' }
  | { status: 'started'; uai: string; method: string; amr: string[] }
  | { status: 'ended'; uai: string }

export const session: Aggregate<Session, SessionEvent> = {
  type: 'session',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'SessionStarted':
        return { status: 'started', uai: event.data.uai, method: event.data.method, amr: event.data.amr }
      case 'SessionSteppedUp':
        return state.status === 'started' ? { ...state, amr: event.data.amr } : state
      case 'SessionRecovered':
        return state
      case 'SessionEnded':
        return state.status === 'none' ? state : { status: 'ended', uai: state.uai }
    }
  },
}

/** @param from the session that it is opened from, if any: it lasts no longer */
export function begin(
  facts: SessionFacts,
  upstream?: UpstreamSession,
  from: Pick<Authority, 'expiresAt'> = {},
): Decision<SessionEvent> {
  if (exceeds({ expiresAt: facts.expiresAt }, from).length > 0) return { events: [], refuse: 'derivation_exceeded' }
  if (!upstream) return { events: [{ type: 'SessionStarted', data: facts }] }
  const { account, session } = upstream.lookups
  return {
    events: [
      {
        type: 'SessionStarted',
        data: facts,
        lookups: [
          { kind: 'upstream_account', value: account },
          ...(session ? [{ kind: 'upstream_session' as const, value: session }] : []),
        ],
        secrets: [{ name: 'upstream', sealed: upstream.sealed, expiresAt: new Date(facts.expiresAt) }],
      },
    ],
  }
}

type Proof<P> = { provenBy: P; handleHash: string; now: Date }

/** A code from an authenticator app in a session that began with another proof; the session gets a new handle. */
export function stepUp(state: Session, input: Proof<StepUp['provenBy']>): Decision<SessionEvent> {
  if (state.status !== 'started') return { events: [], refuse: 'session_invalid' }
  if (state.method === 'totp') return { events: [], refuse: 'another_proof_needed' }
  const { provenBy, handleHash, now } = input
  const data = { ...strengthen(state.amr), at: now.toISOString(), handleHash, provenBy }
  return { events: [{ type: 'SessionSteppedUp', data }] }
}

/** A recovery code in a session that did not begin with one; the session gets a new handle. */
export function recover(state: Session, input: Proof<Recovery['provenBy']>): Decision<SessionEvent> {
  if (state.status !== 'started') return { events: [], refuse: 'session_invalid' }
  if (state.method === 'recovery_code') return { events: [], refuse: 'another_proof_needed' }
  const { provenBy, handleHash, now } = input
  return { events: [{ type: 'SessionRecovered', data: { at: now.toISOString(), handleHash, provenBy } }] }
}

/** Ends a session; ending it again changes nothing. */
export function end(state: Session, reason: SessionEnd, why?: string): Decision<SessionEvent> {
  const data = { reason, ...(why && { why }) }
  return { events: state.status === 'started' ? [{ type: 'SessionEnded', data }] : [] }
}
