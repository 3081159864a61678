import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

/** The root that the key ring is sealed under was replaced. Roots are named, as `secret:…` or `kms:…`; nothing of them is in the event. */
type KeyRingEvent = { type: 'KeyRootRotated'; data: { root: string; previous: string } }

/** What the log says of the key ring: the root, once it was replaced. */
type KeyRingState = { root?: string }

export const keyRing: Aggregate<KeyRingState, KeyRingEvent> = {
  type: 'key_ring',
  initial: {},
  evolve: (_, { data }) => ({ root: data.root }),
}

/** The id of the only stream of this type. */
export const KEY_RING_ID = '0195d000-0000-7000-8000-000000003002'

/** Records a replaced root, once. */
export function rotateRoot(
  state: KeyRingState,
  { root, previous }: { root: string; previous: string },
): Decision<KeyRingEvent> {
  const before = state.root ?? previous
  return before === root ? { events: [] } : record({ type: 'KeyRootRotated', data: { root, previous: before } })
}
