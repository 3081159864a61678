import type { Aggregate, Decision } from '../events/types.ts'

/** What is kept of a refused request: never what it carried. */
export type RefusedFacts = {
  method: string
  /** The route, not the path: ids stand in `target`. */
  route: string
  refusal: string
  reason?: string
  clientId?: string
  credentialId?: string
  /** The id of the thing it was about. */
  target?: string
}

export type RefusedRequestEvent = { type: 'RequestRefused'; data: RefusedFacts }

export type RefusedRequest = { status: 'none' | 'recorded' }

/** A request that was refused where that must be auditable: one stream, one event. */
export const refusedRequest: Aggregate<RefusedRequest, RefusedRequestEvent> = {
  type: 'refused_request',
  initial: { status: 'none' },
  evolve: () => ({ status: 'recorded' }),
}

export function recordRefusal(facts: RefusedFacts): Decision<RefusedRequestEvent> {
  return { events: [{ type: 'RequestRefused', data: facts }] }
}
