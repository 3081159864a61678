import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record, refuse } from './decision.ts'
import type { FactorSource, SessionFacts } from './session.ts'

/** For how long the second factor can be presented after the first one. */
export const SECOND_FACTOR_SECONDS = 600

type PendingSignInEvent =
  | {
      type: 'SecondFactorRequired'
      data: Pick<SessionFacts, 'uai' | 'platform' | 'method' | 'provenBy'> & { expiresAt: string }
    }
  | { type: 'SecondFactorPresented'; data: { provenBy: { type: FactorSource; id: string } } }

export type PendingSignIn =
  | { status: 'none' }
  | { status: 'open'; uai: string; expiresAt: Date }
  | { status: 'completed'; uai: string }

/** A sign-in whose first factor is proven and that waits for the second one. No session exists yet. */
export const pendingSignIn: Aggregate<PendingSignIn, PendingSignInEvent> = {
  type: 'pending_sign_in',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'SecondFactorRequired':
        return { status: 'open', uai: event.data.uai, expiresAt: new Date(event.data.expiresAt) }
      case 'SecondFactorPresented':
        return state.status === 'open' ? { status: 'completed', uai: state.uai } : state
    }
  },
}

/** Requires a second factor before a session starts. */
export function requireSecondFactor(
  facts: Omit<DataOf<PendingSignInEvent, 'SecondFactorRequired'>, 'expiresAt'>,
  now: Date,
): Decision<PendingSignInEvent> {
  const expiresAt = new Date(now.getTime() + SECOND_FACTOR_SECONDS * 1000).toISOString()
  return record({ type: 'SecondFactorRequired', data: { ...facts, expiresAt } })
}

/** Whether the second factor can still be presented. */
export const isPending = (state: PendingSignIn, now: Date): boolean => state.status === 'open' && state.expiresAt > now

/** Completes the sign-in, once. */
export function presentSecondFactor(
  state: PendingSignIn,
  { now, provenBy }: DataOf<PendingSignInEvent, 'SecondFactorPresented'> & { now: Date },
): Decision<PendingSignInEvent> {
  if (!isPending(state, now)) return refuse('mfa_expired')
  return record({ type: 'SecondFactorPresented', data: { provenBy } })
}
