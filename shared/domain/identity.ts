import type { Aggregate, Decision } from '../events/types.ts'

export type IdentityEvent =
  | {
      type: 'IdentityCreated'
      data: { role: string; plan: string; organizationId: string; locale?: string }
      personal?: { name?: string }
    }
  | {
      type: 'CredentialLinked'
      data: {
        credentialId: string
        kind: 'email'
        verified: boolean
        evidence: { method: string; challengeId?: string }
      }
      personal: { address: string }
      lookups: { kind: 'email'; value: string }[]
    }
  | { type: 'IdentitySuspended'; data: { reason: string } }
  | { type: 'IdentityReinstated'; data: { reason: string } }
  | { type: 'IdentityErased'; data: { reason: string } }

export type Identity = { status: 'none' | 'active' | 'suspended' | 'erased' }

export const identity: Aggregate<Identity, IdentityEvent> = {
  type: 'identity',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'IdentityCreated':
      case 'IdentityReinstated':
        return { status: 'active' }
      case 'IdentitySuspended':
        return { status: 'suspended' }
      case 'IdentityErased':
        return { status: 'erased' }
      case 'CredentialLinked':
        return state
    }
  },
}

/** A person's first proven sign-in: the identity and the credential that proved it. */
export function create(input: {
  organizationId: string
  credentialId: string
  address: string
  normalised: string
  challengeId: string
  locale?: string
}): Decision<IdentityEvent> {
  return {
    events: [
      {
        type: 'IdentityCreated',
        data: { role: 'user', plan: 'free', organizationId: input.organizationId, locale: input.locale },
      },
      {
        type: 'CredentialLinked',
        data: {
          credentialId: input.credentialId,
          kind: 'email',
          verified: true,
          evidence: { method: 'otp', challengeId: input.challengeId },
        },
        personal: { address: input.address },
        lookups: [{ kind: 'email', value: input.normalised }],
      },
    ],
  }
}

export function suspend(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.status === 'none' || state.status === 'erased') return { events: [], refuse: 'not_found' }
  return { events: state.status === 'active' ? [{ type: 'IdentitySuspended', data: { reason } }] : [] }
}

export function reinstate(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.status === 'none' || state.status === 'erased') return { events: [], refuse: 'not_found' }
  return { events: state.status === 'suspended' ? [{ type: 'IdentityReinstated', data: { reason } }] : [] }
}

/** Forgets the person: after this fact their data key and look-up digests are destroyed. */
export function erase(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.status === 'none') return { events: [], refuse: 'not_found' }
  return { events: state.status === 'erased' ? [] : [{ type: 'IdentityErased', data: { reason } }] }
}
