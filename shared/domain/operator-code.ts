import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record, refuse } from './decision.ts'

/** How long a request waits for the second operator. */
const APPROVAL_SECONDS = 3600
/** Lifetime of a complete code. */
export const CODE_SECONDS = 900
/**
 * Wrong attempts before a code is void: a chance of 1 in 38 million to guess its 38 bits. With fewer, strangers in a few networks
 * could void a code, since limits are per network.
 */
export const MAX_TRIES = 10_000

export type OperatorCodeEvent =
  | {
      type: 'OperatorCodeRequested'
      data: {
        uai: string
        /** UAI of the operator. */
        operator: string
        /** Whether a second operator must approve, who then gets the other part of the code. */
        needsSecond: boolean
        /** The person's standing at creation; a change voids the code. */
        standing: number
        partHash: string
        expiresAt: string
      }
      /** Written by an operator about the person. */
      personal: { reason: string }
    }
  | {
      type: 'OperatorCodeApproved'
      data: { operator: string; partHash: string; expiresAt: string }
      personal: { reason: string }
    }
  | { type: 'OperatorCodeRevoked'; data: { operator: string; reason: string } }
  | { type: 'OperatorCodeRefused'; data: { attempt: number } }
  | { type: 'OperatorCodeUsed'; data: Record<string, never> }

export type OperatorCode =
  | { status: 'none' | 'closed' }
  | {
      status: 'waiting' | 'ready'
      uai: string
      operator: string
      standing: number
      /** Keyed hashes of its parts, in order of creation. */
      partHashes: string[]
      expiresAt: Date
      attempts: number
    }

export const operatorCode: Aggregate<OperatorCode, OperatorCodeEvent> = {
  type: 'operator_code',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'OperatorCodeRequested') {
      const { uai, operator, standing, needsSecond, partHash, expiresAt } = event.data
      const status = needsSecond ? 'waiting' : 'ready'
      return { status, uai, operator, standing, partHashes: [partHash], expiresAt: new Date(expiresAt), attempts: 0 }
    }
    if (!('partHashes' in state)) return state
    switch (event.type) {
      case 'OperatorCodeApproved': {
        const { partHash, expiresAt } = event.data
        const partHashes = [...state.partHashes, partHash]
        return { ...state, status: 'ready', partHashes, expiresAt: new Date(expiresAt) }
      }
      case 'OperatorCodeRefused':
        return event.data.attempt >= MAX_TRIES ? { status: 'closed' } : { ...state, attempts: event.data.attempt }
      case 'OperatorCodeRevoked':
      case 'OperatorCodeUsed':
        return { status: 'closed' }
    }
  },
}

const after = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString()

/**
 * Creates a code by which an operator vouches for a person. A privileged person needs two operators, who each know only one part, so
 * that neither can sign in as that person.
 */
export function requestCode({
  now,
  reason,
  ...facts
}: Omit<DataOf<OperatorCodeEvent, 'OperatorCodeRequested'>, 'expiresAt'> & {
  reason: string
  now: Date
}): Decision<OperatorCodeEvent> {
  const expiresAt = after(now, facts.needsSecond ? APPROVAL_SECONDS : CODE_SECONDS)
  return record({ type: 'OperatorCodeRequested', data: { ...facts, expiresAt }, personal: { reason } })
}

/**
 * Approves a code as the second operator, who must not be the first.
 * @param input.members every UAI of the second operator
 */
export function approveCode(
  state: OperatorCode,
  input: Omit<DataOf<OperatorCodeEvent, 'OperatorCodeApproved'>, 'expiresAt'> & {
    members: readonly string[]
    standing: number
    reason: string
    now: Date
  },
): Decision<OperatorCodeEvent> {
  const isOpen = state.status === 'waiting' && state.expiresAt > input.now && state.standing === input.standing
  if (!isOpen) return refuse('not_found')
  if (input.members.includes(state.operator)) return refuse('second_operator_needed')
  const { operator, reason, partHash, now } = input
  const data = { operator, partHash, expiresAt: after(now, CODE_SECONDS) }
  return record({ type: 'OperatorCodeApproved', data, personal: { reason } })
}

export function revokeCode(
  state: OperatorCode,
  input: { operator: string; reason: string },
): Decision<OperatorCodeEvent> {
  if (!('partHashes' in state)) return refuse('not_found')
  return record({ type: 'OperatorCodeRevoked', data: input })
}

/**
 * @param input.standing the person's current standing: a change of role, organization or person voids every open code
 * @param input.matches whether the keyed hashes of the presented parts are those of the code, compared in constant time
 */
export function useCode(
  state: OperatorCode,
  input: { matches: boolean; standing: number; now: Date },
): Decision<OperatorCodeEvent> {
  const isOpen = state.status === 'ready' && state.expiresAt > input.now && state.standing === input.standing
  if (!isOpen) return refuse('otp_invalid')
  if (input.matches) return record({ type: 'OperatorCodeUsed', data: {} })
  return refuse('otp_invalid', { type: 'OperatorCodeRefused', data: { attempt: state.attempts + 1 } })
}
