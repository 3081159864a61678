import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

/** The recorded details of a refused request, never its content. */
export type RefusedFacts = {
  method: string
  /** The route pattern, not the path: ids are in `target`. */
  route: string
  refusal: string
  reason?: string
  clientId?: string
  credentialId?: string
  /** The id of the requested object. */
  target?: string
}

/** Counts of refused requests: of one caller in about a minute, or of all callers beyond the limit of such counts. */
type CountedRefusals = {
  since: string
  until: string
  count: number
  /** Count per error. */
  refusals: Record<string, number>
  clientId?: string
  /** Number of callers, if more than one. */
  callers?: number
}

/** `network` is the network of the requests. */
type RefusedRequestEvent =
  | { type: 'RequestRefused'; data: RefusedFacts; personal: { network: string } }
  | { type: 'RefusalsCounted'; data: CountedRefusals; personal: { network?: string } }

/** A refused request, or a count of several: one stream, one event. */
export const refusedRequest: Aggregate<undefined, RefusedRequestEvent> = {
  type: 'refused_request',
  initial: undefined,
  evolve: () => undefined,
}

export function recordRefusal(facts: RefusedFacts, network: string): Decision<RefusedRequestEvent> {
  return record({ type: 'RequestRefused', data: facts, personal: { network } })
}

export function countRefusals(counted: CountedRefusals, network?: string): Decision<RefusedRequestEvent> {
  return record({ type: 'RefusalsCounted', data: counted, personal: { network } })
}
