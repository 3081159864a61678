import type { Aggregate, Decision } from '../events/types.ts'
import type { ApiKeySettings } from './api-key-settings.ts'
import { type DataOf, record, refuse } from './decision.ts'
import { exceeds, tighten } from './derivation.ts'
import { nameLookup } from './names.ts'

/** Maximum overlap of a rotation. */
export const MAX_GRACE_SECONDS = 7 * 86_400
/** Maximum depth of a chain of derived keys, including the first key. */
export const MAX_GENERATIONS = 5

type Named = { personal: { name: string; description?: string }; lookups: { kind: 'api_key_name'; value: string }[] }

export type ApiKeyEvent =
  | ({
      type: 'ApiKeyCreated'
      data: {
        ownerType: 'person' | 'organization'
        ownerId: string
        organizationId: string
        createdBy: string
        origin: 'owner' | 'import'
        secretHash: string
        preview: string
        settings: ApiKeySettings
        /** The parent key, with which it ends. */
        parent?: string
        /** Row id of the application that created it for its owner, with whose access it ends. */
        application?: string
      }
    } & Named)
  /** Recorded on the parent. `createdBy` is the subject of the new key. */
  | { type: 'ApiKeyChildCreated'; data: { keyId: string; createdBy: string } }
  /** Narrowed together with its parent. */
  | { type: 'ApiKeyNarrowed'; data: { settings: ApiKeySettings; reason: string; parent: string } }
  | ({ type: 'ApiKeyUpdated'; data: { settings: ApiKeySettings; reason?: string } } & Named)
  | {
      type: 'ApiKeyRotated'
      /** `expiresAt` is the new expiry. */
      data: { secretHash: string; preview: string; previousExpiresAt?: string; reason?: string; expiresAt?: string }
    }
  /** `parent` is the key whose end caused this. */
  | { type: 'ApiKeyRevoked'; data: { reason: string; parent?: string } }
  | {
      type: 'ApiKeyQuarantined'
      data: { reason: string; source: string }
      personal?: { url?: string }
    }
  | { type: 'ApiKeyLeakReported'; data: { source: string }; personal?: { url?: string } }
  | { type: 'ApiKeyExpiryWarned'; data: { expiresAt: string } }
  | { type: 'ApiKeyOwnerNotified'; data: { kind: string; outcome: string; messageId: string } }
  | { type: 'ApiKeyDeleted'; data: { reason: string } }

export type ApiKeyStatus = 'active' | 'quarantined' | 'revoked' | 'deleted'

export type ApiKey =
  | { status: 'none' }
  | {
      status: ApiKeyStatus
      ownerType: 'person' | 'organization'
      ownerId: string
      createdBy: string
      settings: ApiKeySettings
      rotations: number
      /** Keys derived from it. */
      children: { keyId: string; createdBy: string }[]
      warnedOf?: string
      leakReports: number
      notified: string[]
    }

type Known = Exclude<ApiKey, { status: 'none' }>

export const apiKey: Aggregate<ApiKey, ApiKeyEvent> = {
  type: 'api_key',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'ApiKeyCreated') {
      const { ownerType, ownerId, createdBy, settings } = event.data
      const facts = { ownerType, ownerId, createdBy, settings }
      return { status: 'active', ...facts, rotations: 0, children: [], leakReports: 0, notified: [] }
    }
    if (state.status === 'none') return state
    switch (event.type) {
      case 'ApiKeyChildCreated':
        return { ...state, children: [...state.children, event.data] }
      case 'ApiKeyUpdated':
      case 'ApiKeyNarrowed':
        return { ...state, settings: event.data.settings }
      case 'ApiKeyRotated':
        return {
          ...state,
          status: 'active',
          settings: { ...state.settings, expiresAt: event.data.expiresAt ?? state.settings.expiresAt },
          rotations: state.rotations + 1,
          leakReports: 0,
          notified: [],
        }
      case 'ApiKeyRevoked':
        return { ...state, status: 'revoked' }
      case 'ApiKeyQuarantined':
        return { ...state, status: 'quarantined', leakReports: state.leakReports + 1 }
      case 'ApiKeyLeakReported':
        return { ...state, leakReports: state.leakReports + 1 }
      case 'ApiKeyExpiryWarned':
        return { ...state, warnedOf: event.data.expiresAt }
      case 'ApiKeyOwnerNotified':
        return { ...state, notified: [...state.notified, event.data.messageId] }
      case 'ApiKeyDeleted':
        return { ...state, status: 'deleted' }
    }
  },
}

/** A name is unique among the active keys of an owner. */
const named = (ownerId: string, name: string, description: string | undefined): Named => ({
  personal: { name, description },
  lookups: [{ kind: 'api_key_name', value: nameLookup('api-key', ownerId, name) }],
})

const gone = (state: ApiKey): state is { status: 'none' } | (Known & { status: 'deleted' }) =>
  state.status === 'none' || state.status === 'deleted'

/** Active, or can be reactivated by a rotation. */
const isUsable = (state: ApiKey): state is Known => state.status === 'active' || state.status === 'quarantined'

/** Records a child on its parent key. The child is no wider and no looser, and ends with it. */
export function deriveKey(
  state: ApiKey,
  input: { keyId: string; createdBy: string; settings: ApiKeySettings; generation: number; now: Date },
): Decision<ApiKeyEvent> {
  const { keyId, createdBy, settings, generation, now } = input
  if (gone(state)) return refuse('key_not_found')
  const { expiresAt } = state.settings
  const isOver = expiresAt !== undefined && new Date(expiresAt) <= now
  if (state.status !== 'active' || isOver) return refuse('key_not_active')
  if (generation > MAX_GENERATIONS || exceeds(settings, state.settings).length > 0) return refuse('derivation_exceeded')
  return record({ type: 'ApiKeyChildCreated', data: { keyId, createdBy } })
}

/** Creates a key; `parent` and `application` are what it ends with. */
export function createKey({
  owner,
  name,
  description,
  ...facts
}: Omit<DataOf<ApiKeyEvent, 'ApiKeyCreated'>, 'ownerType' | 'ownerId'> & {
  owner: { type: 'person' | 'organization'; id: string }
  name: string
  description?: string
}): Decision<ApiKeyEvent> {
  const data = { ownerType: owner.type, ownerId: owner.id, ...facts }
  return record({ type: 'ApiKeyCreated', data, ...named(owner.id, name, description) })
}

/**
 * Replaces the settings of an active key.
 * @param input.parent settings of the parent key
 * @param input.mayLoosen whether the caller is the owner, and not another key or application
 */
export function updateKey(
  state: ApiKey,
  input: {
    name: string
    description?: string
    settings: ApiKeySettings
    reason?: string
    parent?: ApiKeySettings
    mayLoosen: boolean
  },
): Decision<ApiKeyEvent> {
  if (gone(state)) return refuse('key_not_found')
  if (state.status !== 'active') return refuse('key_not_active')
  const { settings, reason, parent = {}, mayLoosen } = input
  const before = mayLoosen ? {} : state.settings
  if (exceeds(settings, before).length > 0 || exceeds(settings, parent).length > 0) return refuse('derivation_exceeded')
  return record({
    type: 'ApiKeyUpdated',
    data: { settings, reason },
    ...named(state.ownerId, input.name, input.description),
  })
}

/** Narrows a key to the new settings of its parent; ends it when nothing is left. */
export function followParent(state: ApiKey, parent: { id: string; settings: ApiKeySettings }): Decision<ApiKeyEvent> {
  if (!isUsable(state) || exceeds(state.settings, parent.settings).length === 0) return { events: [] }
  const settings = tighten(state.settings, parent.settings)
  if (!settings) return endWithParent(state, { id: parent.id, reason: 'parent_narrowed' })
  return record({ type: 'ApiKeyNarrowed', data: { settings, reason: 'parent_narrowed', parent: parent.id } })
}

export type EndOfParent = 'parent_revoked' | 'parent_deleted' | 'parent_leaked' | 'parent_narrowed'

/** Ends a key with its parent. */
export function endWithParent(
  state: ApiKey,
  { id, reason }: { id: string; reason: EndOfParent },
): Decision<ApiKeyEvent> {
  return { events: isUsable(state) ? [{ type: 'ApiKeyRevoked', data: { reason, parent: id } }] : [] }
}

/**
 * Replaces the secret under the same id. The old one ends at once or after the grace time; a leaked one gets no grace. The caller
 * passes the number of rotations it has seen, so that only one of several concurrent calls succeeds.
 */
export function rotateKey(
  state: ApiKey,
  input: {
    secretHash: string
    preview: string
    graceSeconds: number
    knownRotations: number
    reason?: string
    expiresAt?: string
    now: Date
  },
): Decision<ApiKeyEvent> {
  if (gone(state)) return refuse('key_not_found')
  if (state.status === 'revoked') return refuse('key_not_active')
  if (state.rotations !== input.knownRotations) return refuse('stale')
  const grace = state.status === 'active' && state.leakReports === 0 ? input.graceSeconds : 0
  const until = new Date(input.now.getTime() + grace * 1000).toISOString()
  const { secretHash, preview, reason, expiresAt } = input
  const data = { secretHash, preview, reason, expiresAt, ...(grace > 0 && { previousExpiresAt: until }) }
  return record({ type: 'ApiKeyRotated', data })
}

export function revokeKey(state: ApiKey, reason: string): Decision<ApiKeyEvent> {
  if (gone(state)) return refuse('key_not_found')
  return { events: state.status === 'revoked' ? [] : [{ type: 'ApiKeyRevoked', data: { reason } }] }
}

export function deleteKey(state: ApiKey, reason: string): Decision<ApiKeyEvent> {
  if (gone(state)) return refuse('key_not_found')
  return record({ type: 'ApiKeyDeleted', data: { reason } })
}

/** Records a leaked key and applies the policy. A repeated report of the same secret at the same place changes nothing. */
export function reportLeak(
  state: ApiKey,
  input: { policy: 'quarantine' | 'revoke' | 'notify'; source: string; url?: string },
): Decision<ApiKeyEvent> {
  if (gone(state) || state.leakReports > 0) return { events: [] }
  const { policy, source, url } = input
  const reported: ApiKeyEvent = { type: 'ApiKeyLeakReported', data: { source }, personal: { url } }
  if (policy === 'notify' || state.status !== 'active') return record(reported)
  if (policy === 'revoke') return record(reported, { type: 'ApiKeyRevoked', data: { reason: 'leaked' } })
  return record({ type: 'ApiKeyQuarantined', data: { reason: 'leaked', source }, personal: { url } })
}

/** Records one warning per expiry date. */
export function warnOfExpiry(state: ApiKey): Decision<ApiKeyEvent> {
  if (state.status !== 'active') return { events: [] }
  const { expiresAt } = state.settings
  if (!expiresAt || state.warnedOf === expiresAt) return { events: [] }
  return record({ type: 'ApiKeyExpiryWarned', data: { expiresAt } })
}

export function noteNotified(state: ApiKey, data: DataOf<ApiKeyEvent, 'ApiKeyOwnerNotified'>): Decision<ApiKeyEvent> {
  if (state.status === 'none' || state.notified.includes(data.messageId)) return { events: [] }
  return record({ type: 'ApiKeyOwnerNotified', data })
}
