import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

export const MAX_PASSKEYS = 20

/** Why a person proves a passkey. */
export type PasskeyPurpose = 'sign_in' | 'step_up'

/** What an authenticator says about a use of its credential (WebAuthn Level 3 section 6.1). */
export type AuthenticatorFlags = {
  /** Whether the credential may be synchronized between devices; never changes. */
  backupEligible: boolean
  backedUp: boolean
  /** Zero for authenticators that do not count. */
  signCount: number
}

type Registered = AuthenticatorFlags & {
  uai: string
  /** The relying party that the credential is for. */
  rpId: string
  /** The model of the authenticator, or the provider that synchronizes it. */
  aaguid: string
  transports: string[]
}

export type PasskeyEvent =
  | {
      type: 'PasskeyRegistered'
      data: Registered
      personal: { name: string; credentialId: string; publicKey: string }
      lookups: { kind: 'passkey'; value: string }[]
    }
  | { type: 'PasskeyUsed'; data: { purpose: PasskeyPurpose; signCount: number; backedUp: boolean } }
  /** The authenticator may have been cloned: the count did not increase (WebAuthn Level 3 section 6.1.1). The use was refused. */
  | { type: 'PasskeyCounterRegressed'; data: { purpose: PasskeyPurpose; signCount: number; presented: number } }
  | { type: 'PasskeyRenamed'; data: object; personal: { name: string } }
  | { type: 'PasskeyRemoved'; data: { reason: string } }

export type Passkey =
  | { status: 'none' | 'removed' }
  | {
      status: 'active'
      uai: string
      backupEligible: boolean
      signCount: number
      /** Whether the count once did not increase; then it is refused until it is removed. */
      regressed: boolean
    }

export const passkey: Aggregate<Passkey, PasskeyEvent> = {
  type: 'passkey',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'PasskeyRegistered': {
        const { uai, backupEligible, signCount } = event.data
        return { status: 'active', uai, backupEligible, signCount, regressed: false }
      }
      case 'PasskeyUsed':
        return state.status === 'active' ? { ...state, signCount: event.data.signCount } : state
      case 'PasskeyRemoved':
        return { status: 'removed' }
      case 'PasskeyCounterRegressed':
        return state.status === 'active' ? { ...state, regressed: true } : state
      case 'PasskeyRenamed':
        return state
    }
  },
}

/**
 * Registers a credential whose attestation was verified.
 * @param input.credentialId base64url
 * @param input.publicKey base64url of its COSE key
 */
export function registerPasskey(
  state: Passkey,
  { name, credentialId, publicKey, ...data }: Registered & { name: string; credentialId: string; publicKey: string },
): Decision<PasskeyEvent> {
  if (state.status !== 'none') return refuse('passkey_invalid')
  const personal = { name, credentialId, publicKey }
  return record({ type: 'PasskeyRegistered', data, personal, lookups: [{ kind: 'passkey', value: credentialId }] })
}

/** Accepts a use whose signature was verified, unless the sign count shows a clone. */
export function usePasskey(
  state: Passkey,
  { purpose, ...flags }: AuthenticatorFlags & { purpose: PasskeyPurpose },
): Decision<PasskeyEvent> {
  if (state.status !== 'active') return refuse('passkey_invalid')
  const { signCount, backedUp, backupEligible } = flags
  if (state.regressed) return refuse('passkey_cloned')
  if (backupEligible !== state.backupEligible) return refuse('passkey_invalid')
  const counts = signCount > 0 || state.signCount > 0
  if (!counts || signCount > state.signCount)
    return record({ type: 'PasskeyUsed', data: { purpose, signCount, backedUp } })
  const data = { purpose, signCount: state.signCount, presented: signCount }
  return refuse('passkey_cloned', { type: 'PasskeyCounterRegressed', data })
}

export function renamePasskey(state: Passkey, name: string): Decision<PasskeyEvent> {
  if (state.status !== 'active') return refuse('not_found')
  return record({ type: 'PasskeyRenamed', data: {}, personal: { name } })
}

/** Removes the passkey; removing it again changes nothing. */
export function removePasskey(state: Passkey, reason: string): Decision<PasskeyEvent> {
  if (state.status === 'none') return refuse('not_found')
  return { events: state.status === 'active' ? [{ type: 'PasskeyRemoved', data: { reason } }] : [] }
}
