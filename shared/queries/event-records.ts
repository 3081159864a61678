import type postgres from 'postgres'
import type { StreamType } from '../events/types.ts'

/** A connection or a transaction. */
export type AnySql = postgres.ISql<Record<never, never>>

/** An event as text, with the column names of `008_event_store.sql`. */
export type EventRecord = {
  position: string
  event_id: string
  stream_type: string
  stream_id: string
  version: number
  event_type: string
  schema_version: number
  subject: string | null
  transaction_id: string
  /** UTC, YYYY-MM-DDTHH:MM:SS.ffffffZ */
  recorded_at: string
  /** JSON as PostgreSQL prints jsonb. */
  data: string
  metadata: string
  previous_hash: Uint8Array
  hash: Uint8Array
}

/** Column: the events of a stream as `StoredEvent`s, oldest first. */
export const eventsColumn = (sql: AnySql, type: StreamType, id: postgres.Fragment) => sql`
  coalesce((select jsonb_agg(jsonb_build_object('event_id', e.event_id, 'version', e.version, 'type', e.event_type, 'data', e.data)
    order by e.version) from auth_gateway.event_store e where e.stream_type = ${type} and e.stream_id = ${id}), '[]') as events`

/** Columns of event `e`, as `EventRecord`. */
export const recordColumns = (sql: AnySql) => sql`
  e.position::text, e.event_id, e.stream_type, e.stream_id, e.version, e.event_type, e.schema_version, e.subject,
  e.transaction_id::text, to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as recorded_at,
  e.data::text as data, e.metadata::text as metadata, e.previous_hash, e.hash`
