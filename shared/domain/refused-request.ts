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

/** Refused requests that were only counted: of one caller in about a minute, or of all callers past the limit of such counts. */
export type CountedRefusals = {
  since: string
  until: string
  count: number
  /** How many of each error. */
  refusals: Record<string, number>
  clientId?: string
  /** How many callers, where it is not one. */
  callers?: number
}

/** `network` is the one that the requests came from. */
export type RefusedRequestEvent =
  | { type: 'RequestRefused'; data: RefusedFacts; personal: { network: string } }
  | { type: 'RefusalsCounted'; data: CountedRefusals; personal: { network?: string } }

export type RefusedRequest = { status: 'none' | 'recorded' }

/** A refused request, or a count of some: one stream, one event. */
export const refusedRequest: Aggregate<RefusedRequest, RefusedRequestEvent> = {
  type: 'refused_request',
  initial: { status: 'none' },
  evolve: () => ({ status: 'recorded' }),
}

export function recordRefusal(facts: RefusedFacts, network: string): Decision<RefusedRequestEvent> {
  return { events: [{ type: 'RequestRefused', data: facts, personal: { network } }] }
}

export function countRefusals(counted: CountedRefusals, network?: string): Decision<RefusedRequestEvent> {
  return { events: [{ type: 'RefusalsCounted', data: counted, personal: { network } }] }
}
