import type { Aggregate, Decision } from '../events/types.ts'

/** How long a request waits for the second operator. */
export const APPROVAL_SECONDS = 3600
/** How long a code lives once it is whole. */
export const CODE_SECONDS = 900
/**
 * Wrong tries that one code survives: they find one of its 38 bits once in 38 million. Fewer would let strangers at a few networks void it,
 * since the limits count each network for itself.
 */
export const MAX_TRIES = 10_000

export type OperatorCodeEvent =
  | {
      type: 'OperatorCodeRequested'
      data: {
        uai: string
        /** UAI of the operator. */
        operator: string
        /** Whether a second operator has to agree, whose part of the code is made then. */
        needsSecond: boolean
        /** The person's standing that it was made for; it is void once that has changed. */
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
      /** Keyed hashes of its parts, in the order in which they were made. */
      partHashes: string[]
      expiresAt: Date
      attempts: number
    }

export const operatorCode: Aggregate<OperatorCode, OperatorCodeEvent> = {
  type: 'operator_code',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'OperatorCodeRequested': {
        const { uai, operator, standing, needsSecond, partHash, expiresAt } = event.data
        const status = needsSecond ? 'waiting' : 'ready'
        return { status, uai, operator, standing, partHashes: [partHash], expiresAt: new Date(expiresAt), attempts: 0 }
      }
      case 'OperatorCodeApproved': {
        if (!('partHashes' in state)) return state
        const { partHash, expiresAt } = event.data
        const partHashes = [...state.partHashes, partHash]
        return { ...state, status: 'ready', partHashes, expiresAt: new Date(expiresAt) }
      }
      case 'OperatorCodeRefused': {
        if (!('partHashes' in state)) return state
        return event.data.attempt >= MAX_TRIES ? { status: 'closed' } : { ...state, attempts: event.data.attempt }
      }
      case 'OperatorCodeRevoked':
      case 'OperatorCodeUsed':
        return { status: 'closed' }
    }
  },
}

const after = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString()

/**
 * An operator vouches for a person. A privileged one needs two operators, of whom each knows only a part of the code, so that neither
 * can sign in as that person.
 */
export function requestCode(input: {
  uai: string
  operator: string
  reason: string
  needsSecond: boolean
  standing: number
  partHash: string
  now: Date
}): Decision<OperatorCodeEvent> {
  const { now, reason, ...facts } = input
  const expiresAt = after(now, facts.needsSecond ? APPROVAL_SECONDS : CODE_SECONDS)
  return { events: [{ type: 'OperatorCodeRequested', data: { ...facts, expiresAt }, personal: { reason } }] }
}

/**
 * The second operator agrees: somebody else than the first.
 * @param input.members every UAI that is the second operator
 */
export function approveCode(
  state: OperatorCode,
  input: {
    operator: string
    members: readonly string[]
    standing: number
    reason: string
    partHash: string
    now: Date
  },
): Decision<OperatorCodeEvent> {
  const isOpen = state.status === 'waiting' && state.expiresAt > input.now && state.standing === input.standing
  if (!isOpen) return { events: [], refuse: 'not_found' }
  if (input.members.includes(state.operator)) return { events: [], refuse: 'second_operator_needed' }
  const { operator, reason, partHash, now } = input
  const data = { operator, partHash, expiresAt: after(now, CODE_SECONDS) }
  return { events: [{ type: 'OperatorCodeApproved', data, personal: { reason } }] }
}

export function revokeCode(
  state: OperatorCode,
  input: { operator: string; reason: string },
): Decision<OperatorCodeEvent> {
  if (!('partHashes' in state)) return { events: [], refuse: 'not_found' }
  return { events: [{ type: 'OperatorCodeRevoked', data: input }] }
}

/**
 * @param input.standing the person's now: a change of role, organization or person voids every open code
 * @param input.matches whether the keyed hashes of the presented parts are those of the code, compared in constant time
 */
export function useCode(
  state: OperatorCode,
  input: { matches: boolean; standing: number; now: Date },
): Decision<OperatorCodeEvent> {
  const isOpen = state.status === 'ready' && state.expiresAt > input.now && state.standing === input.standing
  if (!isOpen) return { events: [], refuse: 'otp_invalid' }
  if (input.matches) return { events: [{ type: 'OperatorCodeUsed', data: {} }] }
  return {
    events: [{ type: 'OperatorCodeRefused', data: { attempt: state.attempts + 1 } }],
    refuse: 'otp_invalid',
  }
}
