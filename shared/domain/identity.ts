import type { Aggregate, Decision } from '../events/types.ts'

/** Who asserted that a credential is the person's, and by which proof. */
export type Evidence = {
  /** Such as `otp`, `sso`, `supabase`, `service`, `operator`. */
  method: string
  /** Client id of a service, name of a connection or of an operator. */
  assertedBy?: string
  challengeId?: string
  /** The session in which the person proved to be the identity that it was linked to. */
  sessionId?: string
}

/** A credential of an identity: a mailbox, a telephone number, or an account at another provider. */
export type Credential = {
  credentialId: string
  kind: 'email' | 'phone' | 'external'
  /** Whose account it is, of an external one. */
  provider?: string
  verified: boolean
  evidence: Evidence
  /** The address or number as given, or the id of the external account. */
  address: string
  /** What it is found by; an address that nobody has proven is shown, and nothing is found by it. */
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
  /** On the retired identity: it now leads to the surviving one. */
  | { type: 'IdentityMerged'; data: { into: string; evidence: Evidence } }
  /** On the surviving identity. */
  | { type: 'IdentityAbsorbed'; data: { from: string } }
  /** On the retired identity: the merge is undone and the account is separate again. */
  | { type: 'IdentitySplit'; data: { from: string; reason: string } }
  | { type: 'IdentityReleased'; data: { uai: string } }
  | {
      type: 'IdentityChanged'
      data: { role?: string; plan?: string; organizationId?: string; locale?: string; reason?: string }
      personal?: { name?: string }
    }
  | { type: 'IdentitySuspended'; data: { reason: string } }
  | { type: 'IdentityReinstated'; data: { reason: string } }
  /** `forgotten` names other streams whose data keys are destroyed as well, such as messages to the person's addresses. */
  | { type: 'IdentityErased'; data: { reason: string; forgotten?: string[] } }

export type Identity = {
  status: 'none' | 'active' | 'suspended' | 'erased'
  credentials: string[]
  /** The identity that this one is part of. */
  mergedInto?: string
  /** How often it changed what the person may do, or who answers for them. */
  standing: number
}

/** Whether what was vouched for the person before no longer counts: another role, organization, or person. */
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

/** A person's first proven sign-in: the identity and what proved it. */
export function create(input: {
  organizationId: string
  credentials: Credential[]
  locale?: string
  name?: string
}): Decision<IdentityEvent> {
  const { organizationId, credentials, locale, name } = input
  const data = { role: 'user', plan: 'free', organizationId, locale }
  const created: IdentityEvent = { type: 'IdentityCreated', data, ...(name && { personal: { name } }) }
  return { events: [created, ...credentials.map(linked)] }
}

/** That the credential is nobody else's is for the store to say, which knows all. */
export function linkCredential(state: Identity, credential: Credential): Decision<IdentityEvent> {
  if (state.status !== 'active') return { events: [], refuse: 'account_suspended' }
  return { events: [linked(credential)] }
}

/**
 * Takes a credential away, but never the last one.
 * @param input.left how many the person has besides, over all identities that were merged
 */
export function unlinkCredential(
  state: Identity,
  input: { credentialId: string; left: number; reason: string },
): Decision<IdentityEvent> {
  const { credentialId, left, reason } = input
  if (!state.credentials.includes(credentialId)) return { events: [], refuse: 'not_found' }
  if (left < 1) return { events: [], refuse: 'last_credential' }
  return { events: [{ type: 'CredentialUnlinked', data: { credentialId, reason } }] }
}

/** What an organization or an operator says of its person. */
export function changeIdentity(
  state: Identity,
  {
    name,
    ...data
  }: { role?: string; plan?: string; organizationId?: string; locale?: string; name?: string; reason?: string },
): Decision<IdentityEvent> {
  if (state.status !== 'active') return { events: [], refuse: 'account_suspended' }
  return { events: [{ type: 'IdentityChanged', data, ...(name && { personal: { name } }) }] }
}

const isOwn = (state: Identity) => state.status === 'active' && state.mergedInto === undefined

/** The retired half of a merge. */
export function mergeInto(state: Identity, input: { into: string; evidence: Evidence }): Decision<IdentityEvent> {
  if (!isOwn(state)) return { events: [], refuse: 'merge_impossible' }
  return { events: [{ type: 'IdentityMerged', data: input }] }
}

/** The surviving half of a merge. */
export function absorb(state: Identity, from: string): Decision<IdentityEvent> {
  if (!isOwn(state)) return { events: [], refuse: 'merge_impossible' }
  return { events: [{ type: 'IdentityAbsorbed', data: { from } }] }
}

/** Undoes a merge: everything that was the retired identity's is its own again, exactly. */
export function split(state: Identity, reason: string): Decision<IdentityEvent> {
  if (state.mergedInto === undefined || state.status === 'erased') return { events: [], refuse: 'not_merged' }
  return { events: [{ type: 'IdentitySplit', data: { from: state.mergedInto, reason } }] }
}

export function release(uai: string): Decision<IdentityEvent> {
  return { events: [{ type: 'IdentityReleased', data: { uai } }] }
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
export function erase(
  state: Identity,
  { reason, forgotten = [] }: { reason: string; forgotten?: string[] },
): Decision<IdentityEvent> {
  if (state.status === 'none') return { events: [], refuse: 'not_found' }
  const data = { reason, ...(forgotten.length > 0 && { forgotten }) }
  return { events: state.status === 'erased' ? [] : [{ type: 'IdentityErased', data }] }
}
