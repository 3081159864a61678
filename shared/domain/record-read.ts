import type { Aggregate, Decision } from '../events/types.ts'

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

type RecordRead = { status: 'none' | 'recorded' }

/** One read by an operator: one stream, one event. */
export const recordRead: Aggregate<RecordRead, RecordReadEvent> = {
  type: 'record_read',
  initial: { status: 'none' },
  evolve: () => ({ status: 'recorded' }),
}

export function readRecords(facts: ReadFacts, said: RecordReadEvent['personal']): Decision<RecordReadEvent> {
  return { events: [{ type: 'RecordsRead', data: facts, personal: said }] }
}
