import type { Aggregate, Decision } from '../events/types.ts'

/** What an operator read: not the answer, but what they asked for. */
export type ReadFacts = {
  method: string
  /** The route; ids stand in `target`. */
  route: string
  /** The id that the path names. */
  target?: string
  /** The organization that the operator administers; undefined for all of them. */
  organizationId?: string
}

/** `filter` is what narrowed it, `reason` what the operator said. */
export type RecordReadEvent = {
  type: 'RecordsRead'
  data: ReadFacts
  personal: { filter?: string; reason?: string }
}

export type RecordRead = { status: 'none' | 'recorded' }

/** One read by an operator: one stream, one event. */
export const recordRead: Aggregate<RecordRead, RecordReadEvent> = {
  type: 'record_read',
  initial: { status: 'none' },
  evolve: () => ({ status: 'recorded' }),
}

export function readRecords(facts: ReadFacts, said: RecordReadEvent['personal']): Decision<RecordReadEvent> {
  return { events: [{ type: 'RecordsRead', data: facts, personal: said }] }
}
