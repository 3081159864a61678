import {
  type ApiKey,
  type ApiKeyEvent,
  apiKey,
  deleteKey,
  type EndOfParent,
  endWithParent,
  followParent,
  reportLeak,
  revokeKey,
} from '../domain/api-key.ts'
import type { Stream, Work } from '../events/commit.ts'
import type { ApiKeyRecord } from '../queries/api-keys.ts'
import { settingsOfRecord } from './api-key-record.ts'

type KeyStream = Stream<ApiKey, ApiKeyEvent>
type Key = { id: string; createdBy: string }

/** Resumes a parent key from its read model, since its stream grows with each child key. */
export function resumeParent(work: Work, record: ApiKeyRecord): KeyStream {
  const { id, version, status, owner_type: ownerType, owner_id: ownerId, created_by: createdBy, rotations } = record
  const settings = settingsOfRecord(record)
  const facts = { status, ownerType, ownerId, createdBy, settings, rotations }
  const state: ApiKey = { ...facts, children: [], leakReports: 0, notified: [] }
  return work.resume(apiKey, id, { state, version }, { subject: createdBy })
}

export const loadKey = (work: Work, { id, createdBy }: Key): Promise<KeyStream> =>
  work.load(apiKey, id, { subject: createdBy })

/**
 * Applies a decision to the child keys of a key, and to their children while something changes. Each new child key changes the parent's
 * stream, so none is missed.
 */
async function descend(
  work: Work,
  parent: KeyStream,
  decide: (child: KeyStream, parent: KeyStream) => void,
): Promise<void> {
  if (parent.state.status === 'none') return
  for (const { keyId: id, createdBy } of parent.state.children) {
    const child = await loadKey(work, { id, createdBy })
    const before = child.state
    decide(child, parent)
    if (child.state !== before) await descend(work, child, decide)
  }
}

const endChildren = (work: Work, parent: KeyStream, reason: EndOfParent) =>
  descend(work, parent, (child, { id }) => void child.decide((state) => endWithParent(state, { id, reason })))

/** Revokes a key and its child keys. */
export async function endKey(work: Work, key: Key, reason: string): Promise<void> {
  const stream = await loadKey(work, key)
  stream.decide((state) => revokeKey(state, reason))
  await endChildren(work, stream, 'parent_revoked')
}

/** Deletes a key and revokes its child keys. */
export async function removeKey(work: Work, key: Key, reason: string): Promise<void> {
  const stream = await loadKey(work, key)
  stream.decide((state) => deleteKey(state, reason))
  await endChildren(work, stream, 'parent_deleted')
}

/** Records that a key was found in public. If that stops the key, its child keys are revoked. */
export async function stopLeakedKey(work: Work, key: Key, finding: Parameters<typeof reportLeak>[1]): Promise<void> {
  const stream = await loadKey(work, key)
  stream.decide((state) => reportLeak(state, finding))
  if (stream.state.status !== 'active') await endChildren(work, stream, 'parent_leaked')
}

/** Revokes the child keys of a leaked key when its owner rotates it. */
export async function endChildrenOfLeaked(work: Work, stream: KeyStream): Promise<void> {
  if (stream.state.status !== 'none' && stream.state.leakReports > 0) await endChildren(work, stream, 'parent_leaked')
}

/** Narrows the child keys of a changed key to its new settings. */
export async function narrowChildren(work: Work, changed: KeyStream): Promise<void> {
  await descend(work, changed, (child, { id, state }) => {
    if (state.status === 'none') return
    if (state.status === 'active') child.decide((current) => followParent(current, { id, settings: state.settings }))
    else child.decide((current) => endWithParent(current, { id, reason: 'parent_narrowed' }))
  })
}
