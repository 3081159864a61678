import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'
import { nameLookup } from './names.ts'

/** Details entered by the person along with the value; stored in the log only encrypted. */
export type StoredKeyDetails = { name: string; tags: string[]; metadata: Record<string, unknown> }

export type StoredKeyFacts = {
  keyType: string
  environment: string
  accessLevel: string
  status: string
  rotationFrequency?: string
  expiresAt?: string
}

type Written = { personal: { details: string }; lookups: { kind: 'stored_key_name'; value: string }[] }
/** The sealed value, stored outside the event so that it can be destroyed. */
type WithValue = { secrets: { name: 'stored_value'; sealed: Uint8Array }[] }

type StoredKeyEvent =
  | ({
      type: 'StoredKeyAdded'
      data: StoredKeyFacts & { projectId: string; organizationId: string; createdBy: string }
    } & Written &
      WithValue)
  | ({ type: 'StoredKeyUpdated'; data: StoredKeyFacts } & Written)
  | ({ type: 'StoredKeyValueReplaced'; data: Record<string, never> } & WithValue)
  | { type: 'StoredKeyRemoved'; data: Record<string, never> }

type StoredKey = { status: 'none' | 'active' | 'removed' }

export const storedKey: Aggregate<StoredKey, StoredKeyEvent> = {
  type: 'stored_key',
  initial: { status: 'none' },
  evolve(state, event) {
    if (event.type === 'StoredKeyAdded') return { status: 'active' }
    return event.type === 'StoredKeyRemoved' ? { status: 'removed' } : state
  },
}

const written = (projectId: string, details: StoredKeyDetails): Written => ({
  personal: { details: JSON.stringify(details) },
  lookups: [{ kind: 'stored_key_name', value: nameLookup('stored-key', projectId, details.name) }],
})

const withValue = (sealed: Uint8Array): WithValue => ({ secrets: [{ name: 'stored_value', sealed }] })

/** @param input.value sealed under the data key of its creator */
export function addStoredKey(input: {
  projectId: string
  organizationId: string
  createdBy: string
  facts: StoredKeyFacts
  details: StoredKeyDetails
  value: Uint8Array
}): Decision<StoredKeyEvent> {
  const { projectId, organizationId, createdBy, facts, details, value } = input
  const data = { projectId, organizationId, createdBy, ...facts }
  return record({ type: 'StoredKeyAdded', data, ...written(projectId, details), ...withValue(value) })
}

/** Changes a key's details, and its value if a new one is given; the old value can then be destroyed. */
export function updateStoredKey(
  state: StoredKey,
  input: { projectId: string; facts: StoredKeyFacts; details: StoredKeyDetails; value?: Uint8Array },
): Decision<StoredKeyEvent> {
  if (state.status !== 'active') return refuse('key_not_found')
  const { projectId, facts, details, value } = input
  return record(
    { type: 'StoredKeyUpdated', data: facts, ...written(projectId, details) },
    ...(value ? [{ type: 'StoredKeyValueReplaced' as const, data: {}, ...withValue(value) }] : []),
  )
}

export function removeStoredKey(state: StoredKey): Decision<StoredKeyEvent> {
  if (state.status !== 'active') return refuse('key_not_found')
  return record({ type: 'StoredKeyRemoved', data: {} })
}
