import type postgres from 'postgres'

/** A connection or a transaction. */
export type AnySql = postgres.ISql<Record<never, never>>

/** An event as text, with the column names of `009_event_store.sql`. */
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

/** Columns of event `e`, as `EventRecord`. */
export const recordColumns = (sql: AnySql) => sql`
  e.position::text, e.event_id, e.stream_type, e.stream_id, e.version, e.event_type, e.schema_version, e.subject,
  e.transaction_id::text, to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as recorded_at,
  e.data::text as data, e.metadata::text as metadata, e.previous_hash, e.hash`
