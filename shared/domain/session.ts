import type { Aggregate, Decision } from '../events/types.ts'
import { ACR, strengthen } from './authentication.ts'
import { record, refuse } from './decision.ts'
import { type Authority, exceeds } from './derivation.ts'

export type SessionEnd = 'logout' | 'replaced' | 'revoked'

export type FactorSource =
  | 'otp_challenge'
  | 'session'
  | 'connection'
  | 'supabase_user'
  | 'totp_authenticator'
  | 'passkey'
  | 'recovery_codes'
  | 'operator_code'

export type SessionFacts = {
  uai: string
  /** The session from which single sign-on opened this one; it ends with it. */
  openedFrom?: string
  /** Row id of the client that the session was started for; absent for the browser's single sign-on session. */
  clientId?: string
  platform: string
  projectScope: string
  method: string
  amr: string[]
  acr: string
  authenticatedAt: string
  /** Lower-case hex SHA-256 of the cookie's handle; absent without a cookie. */
  handleHash?: string
  idleSeconds: number
  expiresAt: string
  /** The challenge, session or connection that authenticated this one. */
  provenBy: { type: FactorSource; id: string }
}

type StepUp = {
  amr: string[]
  acr: string
  at: string
  /** Hash of the new handle that replaces the previous one (ASVS 7.2.4). */
  handleHash: string
  provenBy: { type: 'totp_authenticator' | 'passkey'; id: string }
}

/** A recovery code in a session, which only allows setting up factors again. */
export type Recovery = { at: string; handleHash: string; provenBy: { type: 'recovery_codes'; id: string } }

/** The session at the external identity provider, for single logout in both directions. */
export type UpstreamSession = {
  /** The provider's ids of account and session, each prefixed with the connection's name. */
  lookups: { account: string; session?: string }
  /** The sealed data needed to end it. */
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
  /** The assurance without a factor that was removed. */
  | { type: 'SessionWeakened'; data: { removed: string; amr: string[]; acr: string; steppedUpAt?: string } }
  /** `why` is the reason that an operator gave, or `disowned` if the person said that the sign-in was not theirs. */
  | { type: 'SessionEnded'; data: { reason: SessionEnd; why?: string } }

export type Session =
  | { status: 'none' }
  | {
      status: 'started'
      uai: string
      method: string
      amr: string[]
      acr: string
      /** What the session began with, and every step-up. */
      proven: [Proven, ...Proven[]]
    }
  | { status: 'ended'; uai: string }

type Assurance = { amr: string[]; acr: string }
/** A factor, with the assurance of the session after it. */
type Proven = Assurance & { by: { type: FactorSource; id: string }; at?: string }

const startedAs = ({ uai, method, amr, acr, provenBy: by }: SessionFacts): Session => ({
  ...{ status: 'started', uai, method, amr, acr, proven: [{ by, amr, acr }] },
})

type Started = Extract<Session, { status: 'started' }>

const steppedUp = (state: Started, { amr, acr, at, provenBy: by }: StepUp): Started => ({
  ...{ ...state, amr, acr, proven: [...state.proven, { by, amr, acr, at }] },
})

function weakened(state: Started, { removed, amr, acr }: Assurance & { removed: string }): Started {
  const [began, ...stepUps] = state.proven
  const first = began.by.id === removed || began.by.type === 'session' ? { ...began, amr, acr } : began
  return { ...state, amr, acr, proven: [first, ...stepUps.filter(({ by }) => by.id !== removed)] }
}

export const session: Aggregate<Session, SessionEvent> = {
  type: 'session',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'SessionStarted':
        return startedAs(event.data)
      case 'SessionSteppedUp':
        return state.status === 'started' ? steppedUp(state, event.data) : state
      case 'SessionWeakened':
        return state.status === 'started' ? weakened(state, event.data) : state
      case 'SessionRecovered':
        return state
      case 'SessionEnded':
        return state.status === 'none' ? state : { status: 'ended', uai: state.uai }
    }
  },
}

/** @param from the session that it is opened from, if any, which limits its lifetime */
export function begin(
  facts: SessionFacts,
  upstream?: UpstreamSession,
  from: Pick<Authority, 'expiresAt'> = {},
): Decision<SessionEvent> {
  if (exceeds({ expiresAt: facts.expiresAt }, from).length > 0) return refuse('derivation_exceeded')
  if (!upstream) return record({ type: 'SessionStarted', data: facts })
  const { account, session } = upstream.lookups
  return record({
    type: 'SessionStarted',
    data: facts,
    lookups: [
      { kind: 'upstream_account', value: account },
      ...(session ? [{ kind: 'upstream_session' as const, value: session }] : []),
    ],
    secrets: [{ name: 'upstream', sealed: upstream.sealed, expiresAt: new Date(facts.expiresAt) }],
  })
}

type FactorUse<P> = { provenBy: P; handleHash: string; now: Date }

/**
 * Steps a session up with a code from an authenticator app or with a passkey; the session gets a new handle. A code of the app that the
 * session began with is not a second factor; a passkey is two by itself.
 * @param input.passkeyAmr of the passkey
 */
export function stepUp(
  state: Session,
  input: FactorUse<StepUp['provenBy']> & { passkeyAmr?: string[] },
): Decision<SessionEvent> {
  if (state.status !== 'started') return refuse('session_invalid')
  const { provenBy, handleHash, now, passkeyAmr } = input
  if (state.method === 'totp' && !passkeyAmr) return refuse('another_proof_needed')
  const data = { ...strengthen(state, passkeyAmr), at: now.toISOString(), handleHash, provenBy }
  return record({ type: 'SessionSteppedUp', data })
}

/** Records a recovery code in a session that did not begin with one; the session gets a new handle. */
export function recover(state: Session, input: FactorUse<Recovery['provenBy']>): Decision<SessionEvent> {
  if (state.status !== 'started') return refuse('session_invalid')
  if (state.method === 'recovery_code') return refuse('another_proof_needed')
  const { provenBy, handleHash, now } = input
  return record({ type: 'SessionRecovered', data: { at: now.toISOString(), handleHash, provenBy } })
}

/** Ends a session; ending it again changes nothing. */
export function end(state: Session, reason: SessionEnd, why?: string): Decision<SessionEvent> {
  const data = { reason, ...(why && { why }) }
  return { events: state.status === 'started' ? [{ type: 'SessionEnded', data }] : [] }
}

const RANK: Record<string, number> = { [ACR.multiFactor]: 1, [ACR.phishingResistant]: 2 }
const rankOf = ({ acr }: { acr: string }) => RANK[acr] ?? 0

/** Returns the assurance after one more step-up. */
const after = (before: Assurance, { by, amr }: Proven): Assurance =>
  by.type === 'passkey'
    ? { amr: [...new Set([...before.amr, ...amr])], acr: ACR.phishingResistant }
    : strengthen(before)

/** What a session began with, without a removed factor or with the fallen assurance of the session that it was opened from. */
function beganWithout(
  { by, amr, acr }: Proven,
  { removed, opener }: { removed: string; opener?: Assurance },
): Assurance {
  if (by.id === removed) return { amr: amr.filter((one) => one !== 'mfa'), acr: ACR.singleFactor }
  return opener && by.type === 'session' && rankOf(opener) < rankOf({ acr }) ? opener : { amr, acr }
}

/**
 * Lowers the assurance of a session from which a factor was removed; nothing else changes.
 * @param input.opener the assurance to which the session that it was opened from has fallen
 */
export function weaken(state: Session, input: { removed: string; opener?: Assurance }): Decision<SessionEvent> {
  if (state.status !== 'started') return { events: [] }
  const [began, ...stepUps] = state.proven
  const left = stepUps.filter(({ by }) => by.id !== input.removed)
  const { amr, acr } = left.reduce(after, beganWithout(began, input))
  if (left.length === stepUps.length && acr === state.acr && began.by.id !== input.removed) return { events: [] }
  const steppedUpAt = left.at(-1)?.at
  return record({
    type: 'SessionWeakened',
    data: { removed: input.removed, amr, acr, ...(steppedUpAt && { steppedUpAt }) },
  })
}
