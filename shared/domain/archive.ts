import type { Aggregate, Decision } from '../events/types.ts'

/** A month of short-lived streams that was taken out of the event store into a file. */
export type ArchiveEvent = {
  type: 'EventsArchived'
  data: {
    /** YYYY-MM, in which the streams were born. */
    month: string
    events: number
    streams: number
    /** When everything in it had ended. */
    endedBy: string
    file: string
    /** Of the file. */
    sha256: string
    /** Of the positions of the events, ascending, a LF after each. */
    positionsSha256: string
  }
}

export type Archive = { status: 'none' | 'made' }

export const archive: Aggregate<Archive, ArchiveEvent> = {
  type: 'archive',
  initial: { status: 'none' },
  evolve: () => ({ status: 'made' }),
}

export function makeArchive(data: ArchiveEvent['data']): Decision<ArchiveEvent> {
  return { events: [{ type: 'EventsArchived', data }] }
}
