import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record } from './decision.ts'

export type ConsentEvent =
  | { type: 'ConsentGranted'; data: { uai: string; clientId: string; scopes: string[]; resources: string[] } }
  | { type: 'ConsentWithdrawn'; data: { reason: string } }

export type Consent = { scopes: string[]; resources: string[] }

export const consent: Aggregate<Consent, ConsentEvent> = {
  type: 'consent',
  initial: { scopes: [], resources: [] },
  evolve(_state, event) {
    switch (event.type) {
      case 'ConsentGranted':
        return { scopes: event.data.scopes, resources: event.data.resources }
      case 'ConsentWithdrawn':
        return { scopes: [], resources: [] }
    }
  },
}

/** Whether everything requested has been consented to before. */
export function covers(state: Consent, scopes: string[], resources: string[]): boolean {
  return scopes.every((one) => state.scopes.includes(one)) && resources.every((one) => state.resources.includes(one))
}

/** Adds to earlier consent (incremental consent); no event if nothing is new. */
export function grant(state: Consent, given: DataOf<ConsentEvent, 'ConsentGranted'>): Decision<ConsentEvent> {
  if (covers(state, given.scopes, given.resources)) return { events: [] }
  const union = (a: string[], b: string[]) => [...new Set([...a, ...b])].sort()
  return record({
    type: 'ConsentGranted',
    data: {
      ...given,
      scopes: union(state.scopes, given.scopes),
      resources: union(state.resources, given.resources),
    },
  })
}

/** Withdraws the whole consent. */
export function withdraw(state: Consent, reason: string): Decision<ConsentEvent> {
  const isEmpty = state.scopes.length === 0 && state.resources.length === 0
  return { events: isEmpty ? [] : [{ type: 'ConsentWithdrawn', data: { reason } }] }
}
