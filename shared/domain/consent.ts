import type { Aggregate, Decision } from '../events/types.ts'

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
export function grant(
  state: Consent,
  input: { uai: string; clientId: string; scopes: string[]; resources: string[] },
): Decision<ConsentEvent> {
  if (covers(state, input.scopes, input.resources)) return { events: [] }
  const union = (a: string[], b: string[]) => [...new Set([...a, ...b])].sort()
  return {
    events: [
      {
        type: 'ConsentGranted',
        data: {
          uai: input.uai,
          clientId: input.clientId,
          scopes: union(state.scopes, input.scopes),
          resources: union(state.resources, input.resources),
        },
      },
    ],
  }
}

/** Withdraws the whole consent. */
export function withdraw(state: Consent, reason: string): Decision<ConsentEvent> {
  const isEmpty = state.scopes.length === 0 && state.resources.length === 0
  return { events: isEmpty ? [] : [{ type: 'ConsentWithdrawn', data: { reason } }] }
}
