import type { Aggregate, Decision } from '../events/types.ts'
import { type StepUpMethod, strengthen } from './authentication.ts'

export type SessionEnd = 'logout' | 'replaced' | 'revoked'

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
  provenBy: { type: 'otp_challenge' | 'session' | 'connection' | 'supabase_user'; id: string }
}

export type StepUp = {
  method: StepUpMethod
  amr: string[]
  acr: string
  at: string
  /** Of the handle that takes the place of the one before (ASVS 7.2.4). */
  handleHash: string
  provenBy: { type: 'totp_authenticator'; id: string }
}

export type SessionEvent =
  | { type: 'SessionStarted'; data: SessionFacts }
  | { type: 'SessionSteppedUp'; data: StepUp }
  | { type: 'SessionEnded'; data: { reason: SessionEnd } }

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
      case 'SessionEnded':
        return state.status === 'none' ? state : { status: 'ended', uai: state.uai }
    }
  },
}

export function begin(facts: SessionFacts): Decision<SessionEvent> {
  return { events: [{ type: 'SessionStarted', data: facts }] }
}

/** One more proof in a session, which gets a new handle; a proof of the kind that it began with adds nothing. */
export function stepUp(
  state: Session,
  input: { method: StepUpMethod; provenBy: StepUp['provenBy']; handleHash: string; now: Date },
): Decision<SessionEvent> {
  if (state.status !== 'started') return { events: [], refuse: 'session_invalid' }
  const { method, provenBy, handleHash, now } = input
  const stronger = strengthen(state, method)
  if (!stronger) return { events: [], refuse: 'another_proof_needed' }
  return {
    events: [{ type: 'SessionSteppedUp', data: { method, ...stronger, at: now.toISOString(), handleHash, provenBy } }],
  }
}

/** Ends a session; ending it again changes nothing. */
export function end(state: Session, reason: SessionEnd): Decision<SessionEvent> {
  return { events: state.status === 'started' ? [{ type: 'SessionEnded', data: { reason } }] : [] }
}
