import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record, refuse } from './decision.ts'

/** Who asserted that a credential belongs to the person, and how it was verified. */
export type Evidence = {
  /** For example `otp`, `sso`, `supabase`, `service`, `operator`. */
  method: string
  /** Client id of a service, name of a connection or of an operator. */
  assertedBy?: string
  challengeId?: string
  /** The session in which the person authenticated as the identity it was linked to. */
  sessionId?: string
}

/** A credential of an identity: a mailbox, a phone number, or an external account. */
export type Credential = {
  credentialId: string
  kind: 'email' | 'phone' | 'external'
  /** Provider of an external account. */
  provider?: string
  verified: boolean
  evidence: Evidence
  /** The address or number as given, or the id of the external account. */
  address: string
  /** Lookup value; absent for an unverified address, which is displayed but never used to find the person. */
  lookup?: string
}

export type IdentityEvent =
  | {
      type: 'IdentityCreated'
      data: { role: string; plan: string; organizationId: string; locale?: string }
      personal?: { name?: string }
    }
  | {
      type: 'CredentialLinked'
      data: Omit<Credential, 'address' | 'lookup'>
      personal: { address: string }
      lookups: { kind: Credential['kind']; value: string }[]
    }
  | { type: 'CredentialUnlinked'; data: { credentialId: string; reason: string } }
  /** On the retired identity: it now resolves to the surviving one. */
  | { type: 'IdentityMerged'; data: { into: string; evidence: Evidence } }
  /** On the surviving identity. */
  | { type: 'IdentityAbsorbed'; data: { from: string } }
  /** On the retired identity: the merge is undone and the account is separate again. */
  | { type: 'IdentitySplit'; data: { from: string; reason: string } }
  | { type: 'IdentityReleased'; data: { uai: string } }
  | {
      type: 'IdentityChanged'
      data: {
        role?: string
        plan?: string
        organizationId?: string
        locale?: string
        /** The person does not want to be offered a passkey after a sign-in. */
        passkeyOffer?: 'declined'
        reason?: string
      }
      personal?: { name?: string }
    }
  | { type: 'IdentitySuspended'; data: { reason: string } }
  | { type: 'IdentityReinstated'; data: { reason: string } }
  /** `forgotten` names other streams whose data keys are destroyed as well, such as messages to the person's addresses. */
  | { type: 'IdentityErased'; data: { reason: string; forgotten?: string[] } }

export type Identity = {
  status: 'none' | 'active' | 'suspended' | 'erased'
  credentials: string[]
  /** The identity that this one was merged into. */
  mergedInto?: string
  /** Counts changes of the person's rights or administrators. */
  standing: number
}

/** Whether the event voids earlier operator vouching: another role, organization, or person. */
function changesStanding(event: IdentityEvent): boolean {
  if (event.type === 'IdentityChanged') return event.data.role !== undefined || event.data.organizationId !== undefined
  return event.type !== 'CredentialLinked' && event.type !== 'CredentialUnlinked'
}

export const identity: Aggregate<Identity, IdentityEvent> = {
  type: 'identity',
  initial: { status: 'none', credentials: [], standing: 0 },
  evolve(before, event) {
    const state = changesStanding(event) ? { ...before, standing: before.standing + 1 } : before
    switch (event.type) {
      case 'IdentityCreated':
      case 'IdentityReinstated':
        return { ...state, status: 'active' }
      case 'IdentitySuspended':
        return { ...state, status: 'suspended' }
      case 'IdentityErased':
        return { ...state, status: 'erased', credentials: [] }
      case 'CredentialLinked':
        return { ...state, credentials: [...state.credentials, event.data.credentialId] }
      case 'CredentialUnlinked':
        return { ...state, credentials: state.credentials.filter((one) => one !== event.data.credentialId) }
      case 'IdentityMerged':
        return { ...state, mergedInto: event.data.into }
      case 'IdentitySplit':
        return { ...state, mergedInto: undefined }
      case 'IdentityAbsorbed':
      case 'IdentityReleased':
      case 'IdentityChanged':
        return state
    }
  },
}

function linked({ address, lookup, ...data }: Credential): IdentityEvent {
  return {
    type: 'CredentialLinked',
    data,
    personal: { address },
    lookups: lookup === undefined ? [] : [{ kind: data.kind, value: lookup }],
  }
}

/** Creates an identity at a person's first sign-in, with the credentials verified there. */
export function create(input: {
  organizationId: string
  credentials: Credential[]
  locale?: string
  name?: string
}): Decision<IdentityEvent> {
  const { organizationId, credentials, locale, name } = input
  const data = { role: 'user', plan: 'free', organizationId, locale }
  const created: IdentityEvent = { type: 'IdentityCreated', data, ...(name && { personal: { name } }) }
  return record(created, ...credentials.map(linked))
}

/** Links a credential. The store checks that it belongs to no one else. */
export function linkCredential(state: Identity, credential: Credential): Decision<IdentityEvent> {
  if (state.status !== 'active') return refuse('account_suspended')
  return record(linked(credential))
}

/**
 * Unlinks a credential, except the last one.
 * @param input.left number of the person's other credentials, across all merged identities
 */
export function unlinkCredential(
  state: Identity,
  input: { credentialId: string; left: number; reason: string },
): Decision<IdentityEvent> {
  const { credentialId, left, reason } = input
  if (!state.credentials.includes(credentialId)) return refuse('not_found')
  if (left < 1) return refuse('last_credential')
  return record({ type: 'CredentialUnlinked', data: { credentialId, reason } })
}

/** Changes the profile of a person, or their standing as set by an organization or an operator. An empty name removes it. */
export function changeIdentity(
  state: Identity,
  { name, ...data }: DataOf<IdentityEvent, 'IdentityChanged'> & { name?: string },
): Decision<IdentityEvent> {
  if (state.status !== 'active') return refuse('account_suspended')
  return record({ type: 'IdentityChanged', data, ...(name !== undefined && { personal: { name } }) })
}

const isOwn = (state: Identity) => state.status === 'active' && state.mergedInto === undefined

/** The retired half of a merge. */
export function mergeInto(state: Identity, input: { into: string; evidence: Evidence }): Decision<IdentityEvent> {
  if (!isOwn(state)) return refuse('merge_impossible')
  return record({ type: 'IdentityMerged', data: input })
}

/** The surviving half of a merge. */
export function absorb(state: Identity, from: string): Decision<IdentityEvent> {
  if (!isOwn(state)) return refuse('merge_impossible')
  return record({ type: 'IdentityAbsorbed', data: { from } })
}

/** Undoes a merge: the retired identity gets back exactly what it had. */
export function split(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.mergedInto === undefined || state.status === 'erased') return refuse('not_merged')
  return record({ type: 'IdentitySplit', data: { from: state.mergedInto, reason } })
}

export function release(uai: string): Decision<IdentityEvent> {
  return record({ type: 'IdentityReleased', data: { uai } })
}

export function suspend(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.status === 'none' || state.status === 'erased') return refuse('not_found')
  return { events: state.status === 'active' ? [{ type: 'IdentitySuspended', data: { reason } }] : [] }
}

export function reinstate(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.status === 'none' || state.status === 'erased') return refuse('not_found')
  return { events: state.status === 'suspended' ? [{ type: 'IdentityReinstated', data: { reason } }] : [] }
}

/** Erases the person: after this event their data key and lookup digests are destroyed. */
export function erase(
  state: Identity,
  { reason, forgotten = [] }: DataOf<IdentityEvent, 'IdentityErased'>,
): Decision<IdentityEvent> {
  if (state.status === 'none') return refuse('not_found')
  const data = { reason, ...(forgotten.length > 0 && { forgotten }) }
  return { events: state.status === 'erased' ? [] : [{ type: 'IdentityErased', data }] }
}
