import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

/** A month of short-lived streams, moved from the event store to a file. */
type ArchiveEvent = {
  type: 'EventsArchived'
  data: {
    /** YYYY-MM in which the streams began. */
    month: string
    events: number
    streams: number
    /** When the last of its streams had ended. */
    endedBy: string
    file: string
    /** Hash of the file. */
    sha256: string
    /** Hash of the positions of the events, ascending, each followed by LF. */
    positionsSha256: string
  }
}

export const archive: Aggregate<undefined, ArchiveEvent> = {
  type: 'archive',
  initial: undefined,
  evolve: () => undefined,
}

export function makeArchive(data: ArchiveEvent['data']): Decision<ArchiveEvent> {
  return record({ type: 'EventsArchived', data })
}
