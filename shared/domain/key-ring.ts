import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

type KeyRingEvent =
  /** The root that the key ring is sealed under was replaced. Roots are named, as `secret:…` or `kms:…`; nothing of them is in the event. */
  | { type: 'KeyRootRotated'; data: { root: string; previous: string } }
  /** All sealed values are under keys of this epoch, in signed batches; the older keys are gone. */
  | { type: 'KeysRewrapped'; data: Rewrap & { note: string } }

/** A finished rewrap: its number of batches and values, and the root over the roots of the batches, in base64. */
export type Rewrap = { epoch: number; batches: number; values: number; root: string }

/** A batch of a rewrap: the number of its values, and the root over their leaves, in base64. */
type RewrapBatch = { epoch: number; batch: number; values: number; root: string }

/** The signed text of a batch. Someone with only database access could write one, but not sign it. */
export const batchStatement = (origin: string, { epoch, batch, values, root }: RewrapBatch): string =>
  `${origin}\nrewrapped epoch ${epoch} batch ${batch}\n${values} values ${root}\n`

/** The signed text of a finished rewrap. */
export const rewrapStatement = (origin: string, { epoch, batches, values, root }: Rewrap): string =>
  `${origin}\nrewrapped epoch ${epoch} complete\n${values} values in ${batches} batches ${root}\n`

/** The newest epoch of a finished rewrap. */
type KeyRingState = { epoch: number }

export const keyRing: Aggregate<KeyRingState, KeyRingEvent> = {
  type: 'key_ring',
  initial: { epoch: 1 },
  evolve: (state, event) => (event.type === 'KeysRewrapped' ? { epoch: event.data.epoch } : state),
}

/** The id of the only stream of this type. */
export const KEY_RING_ID = '0195d000-0000-7000-8000-000000003002'

/** Records a replaced root, in the transaction that replaces it. */
export const rotateRoot = (data: { root: string; previous: string }): Decision<KeyRingEvent> =>
  record({ type: 'KeyRootRotated', data })

/** Records a finished rewrap, in the transaction that removes the older keys. Its epoch is higher than any before. */
export const finishRewrap = ({ epoch }: KeyRingState, data: Rewrap & { note: string }): Decision<KeyRingEvent> =>
  data.epoch > epoch ? record({ type: 'KeysRewrapped', data }) : refuse('invalid_request')
