import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import { createGroupCommit, type Outcome } from './group-commit.ts'

export type StoredEvent = { event_id: string; version: number; type: string; data: Record<string, unknown> }

export type AppendedEvent = {
  event_id: string
  event_type: string
  schema_version: number
  subject?: string
  data: object
  metadata: object
  digests?: { kind: string; digest: string }[]
  secrets?: { name: string; sealed: string; expires_at?: string }[]
}

export type Append = { stream_type: string; stream_id: string; expected_version: number; events: AppendedEvent[] }

export type RateLimit = {
  bucket: string
  seconds: number
  max: number
  /** Sliding window: no span of `seconds` has more than `max`; otherwise the window begins with its first hit. */
  exact?: true
  /** Resets the bucket instead of counting in it. */
  reset?: true
}

/** A stream, or a unique value in a read model, was changed concurrently. */
export class StaleError extends Error {}

/** A rate limit is full. Nothing was appended. */
export class RateLimitedError extends Error {
  constructor(readonly retryAfter: number) {
    super(`rate limit reached, retry after ${retryAfter} s`)
  }
}

type AnySql = postgres.ISql<Record<never, never>>

export type EventStore = ReturnType<typeof createEventStore>

/**
 * Creates the only writer of the event store and reader of streams.
 * @param reads a small pool, where statements may wait, or a transaction
 * @param writes a small pool, or that transaction
 * @param connections how many appends may run at once
 */
export function createEventStore(reads: AnySql, writes: AnySql, connections: number) {
  const append = createGroupCommit(async (lines) => {
    const [row] = await atOnce(
      writes<{ outcomes: Outcome[] }[]>`select auth_gateway.append_requests(${lines}) as outcomes`,
    )
    return row?.outcomes ?? []
  }, connections)
  return {
    /** The events of one stream in order; empty if it does not exist. */
    async read(streamType: string, streamId: string): Promise<StoredEvent[]> {
      return reads<StoredEvent[]>`
        select event_id, version, event_type as type, data from auth_gateway.event_store
        where stream_type = ${streamType} and stream_id = ${streamId} order by version`
    },

    /** The wrapped data key of a subject, or undefined when it never existed or was destroyed. */
    async subjectKey(subject: string): Promise<Uint8Array | undefined> {
      const [row] = await reads`select wrapped_key from auth_gateway.subject_keys where subject = ${subject}`
      return row?.wrapped_key
    },

    /**
     * Appends to any number of streams, everything or nothing.
     * @param patient whether the append may wait a moment to share the transaction of others
     * @throws StaleError (LA001, 23505), RateLimitedError (LA003)
     */
    async append(
      appends: Append[],
      subjectKeys: { subject: string; wrapped_key: string }[] = [],
      limits: RateLimit[] = [],
      patient = false,
    ): Promise<void> {
      try {
        await append({ appends, subject_keys: subjectKeys, limits }, patient)
      } catch (error) {
        const { code, detail, message } = error as { code?: string; detail?: string; message: string }
        if (code === 'LA001' || code === '23505' || code === '40P01') throw new StaleError(message)
        if (code === 'LA003') throw new RateLimitedError(Number(detail))
        throw error
      }
    },
  }
}
