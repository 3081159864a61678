import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** Number of codes in a set. */
export const RECOVERY_CODES = 10

type RecoveryCodesEvent =
  | { type: 'RecoveryCodesIssued'; data: { uai: string; codeHashes: string[] } }
  | { type: 'RecoveryCodeUsed'; data: { codeHash: string } }
  | { type: 'RecoveryCodeRefused'; data: Record<string, never> }
  | { type: 'RecoveryCodesReplaced'; data: { reason: string } }

export type RecoveryCodes =
  | { status: 'none' | 'replaced' }
  | {
      status: 'issued'
      uai: string
      /** Keyed hashes of the unused codes. */
      codeHashes: string[]
    }

export const recoveryCodes: Aggregate<RecoveryCodes, RecoveryCodesEvent> = {
  type: 'recovery_codes',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'RecoveryCodesIssued':
        return { status: 'issued', ...event.data }
      case 'RecoveryCodeUsed': {
        if (state.status !== 'issued') return state
        return { ...state, codeHashes: state.codeHashes.filter((one) => one !== event.data.codeHash) }
      }
      case 'RecoveryCodeRefused':
        return state
      case 'RecoveryCodesReplaced':
        return { status: 'replaced' }
    }
  },
}

/** @param input.codeHashes keyed hashes: the codes themselves are shown once and never stored */
export function issueCodes(input: { uai: string; codeHashes: string[] }): Decision<RecoveryCodesEvent> {
  return record({ type: 'RecoveryCodesIssued', data: input })
}

/** Uses one code of the set (NIST SP 800-63B-4 section 3.1.2.2: a look-up secret is used once). */
export function useRecoveryCode(state: RecoveryCodes, codeHash: string): Decision<RecoveryCodesEvent> {
  if (state.status !== 'issued') return refuse('otp_invalid')
  if (!state.codeHashes.includes(codeHash)) return refuse('otp_invalid', { type: 'RecoveryCodeRefused', data: {} })
  return record({ type: 'RecoveryCodeUsed', data: { codeHash } })
}

/** Invalidates the unused codes of the set. */
export function replaceCodes(state: RecoveryCodes, reason: string): Decision<RecoveryCodesEvent> {
  return { events: state.status === 'issued' ? [{ type: 'RecoveryCodesReplaced', data: { reason } }] : [] }
}
