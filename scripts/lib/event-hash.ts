import { createHash } from 'node:crypto'
import type { EventRecord } from '../../shared/queries/event-records.ts'

/** The previous hash of the first event of a stream. */
export const NO_HASH = Buffer.alloc(32)

/** Returns the hash that an event must have: SHA-256 over the previous hash and the canonical form, version 1. */
export function eventHash(event: EventRecord): Buffer {
  const canonical = [
    'lanonasis-event-v1',
    event.position,
    event.event_id,
    event.stream_type,
    event.stream_id,
    event.version,
    event.event_type,
    event.schema_version,
    event.subject ?? '-',
    event.transaction_id,
    event.recorded_at,
    event.data,
    event.metadata,
  ].join('\n')
  return createHash('sha256').update(event.previous_hash).update(canonical).digest()
}
