import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

type KeyRingEvent =
  /** The root that the key ring is sealed under was replaced. Roots are named, as `secret:…` or `kms:…`; nothing of them is in the event. */
  { type: 'KeyRootRotated'; data: { root: string; previous: string } }

export const keyRing: Aggregate<undefined, KeyRingEvent> = {
  type: 'key_ring',
  initial: undefined,
  evolve: () => undefined,
}

/** The id of the only stream of this type. */
export const KEY_RING_ID = '0195d000-0000-7000-8000-000000003002'

/** Records a replaced root, in the transaction that replaces it. */
export const rotateRoot = (data: { root: string; previous: string }): Decision<KeyRingEvent> =>
  record({ type: 'KeyRootRotated', data })
