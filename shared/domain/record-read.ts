import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

/** An operator's read: the request, not the response. */
type ReadFacts = {
  method: string
  /** The route pattern; ids are in `target`. */
  route: string
  /** The id in the path. */
  target?: string
  /** The organization that the operator administers; undefined for all organizations. */
  organizationId?: string
}

/** `filter` is the operator's filter, `reason` the stated reason. */
type RecordReadEvent = {
  type: 'RecordsRead'
  data: ReadFacts
  personal: { filter?: string; reason?: string }
}

/** One read by an operator: one stream, one event. */
export const recordRead: Aggregate<undefined, RecordReadEvent> = {
  type: 'record_read',
  initial: undefined,
  evolve: () => undefined,
}

export function readRecords(facts: ReadFacts, said: RecordReadEvent['personal']): Decision<RecordReadEvent> {
  return record({ type: 'RecordsRead', data: facts, personal: said })
}
