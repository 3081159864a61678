import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record } from './decision.ts'

export type SigningAlgorithm = 'ES256' | 'RS256'

type SigningKeyEvent =
  | {
      type: 'SigningKeyCreated'
      data: {
        kid: string
        alg: SigningAlgorithm
        publicJwk: object
        activeFrom: string
        /** The Supabase project whose tokens it signs, and nothing else. */
        resourceId?: string
      }
      secrets: { name: 'private_jwk'; sealed: Uint8Array }[]
    }
  | { type: 'SigningKeyRetired'; data: { expiresAt: string } }

export type SigningKey = { status: 'none' | 'published' | 'retired' }

export const signingKey: Aggregate<SigningKey, SigningKeyEvent> = {
  type: 'signing_key',
  initial: { status: 'none' },
  evolve: (_state, event) => ({ status: event.type === 'SigningKeyCreated' ? 'published' : 'retired' }),
}

/** Creates a key; it is published at once and signs from `activeFrom`, when caches of the key set have been refreshed. */
export function createKey({
  activeFrom,
  sealedPrivateJwk: sealed,
  ...facts
}: Omit<DataOf<SigningKeyEvent, 'SigningKeyCreated'>, 'activeFrom'> & {
  activeFrom: Date
  sealedPrivateJwk: Uint8Array
}): Decision<SigningKeyEvent> {
  const data = { ...facts, activeFrom: activeFrom.toISOString() }
  return record({ type: 'SigningKeyCreated', data, secrets: [{ name: 'private_jwk', sealed }] })
}

/** Retires a key, which stays in the key set until the last token it signed has expired. */
export function retireKey(state: SigningKey, expiresAt: Date): Decision<SigningKeyEvent> {
  if (state.status !== 'published') return { events: [] }
  return record({ type: 'SigningKeyRetired', data: { expiresAt: expiresAt.toISOString() } })
}

/** Withdraws a key that may have leaked: it leaves the key set at once, and the tokens that it signed are refused. */
export function withdrawKey(state: SigningKey, now: Date): Decision<SigningKeyEvent> {
  if (state.status === 'none') return { events: [] }
  return record({ type: 'SigningKeyRetired', data: { expiresAt: now.toISOString() } })
}
