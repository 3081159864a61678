import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { type EventRecord, recordColumns } from '../../shared/queries/event-records.ts'
import type { Fault, Report } from './findings.ts'

const BATCH = 2000
/** The previous hash of the first event of a stream. */
const NO_HASH = Buffer.alloc(32)

/** Returns the hash that an event must have: SHA-256 over the previous hash and the canonical form, version 1. */
function eventHash(event: EventRecord): Buffer {
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

/** Returns every fault of one event, given the event before it in its stream. */
function faultsOf(event: EventRecord, before: EventRecord | undefined): Fault[] {
  const faults: Fault[] = []
  if (!before && event.version === 1 && !NO_HASH.equals(event.previous_hash)) faults.push('first_previous_hash')
  if (event.version !== (before?.version ?? 0) + 1) faults.push('version_gap')
  else if (before && !Buffer.from(before.hash).equals(event.previous_hash)) faults.push('broken_link')
  if (!eventHash(event).equals(event.hash)) faults.push('wrong_hash')
  if (before && BigInt(event.position) <= BigInt(before.position)) faults.push('position_order')
  return faults
}

/**
 * Walks every chain from its first event and hashes each event again from its canonical form.
 * @returns the number of events and streams
 */
export async function walkChains(
  sql: postgres.TransactionSql,
  report: Report,
): Promise<{ events: number; streams: number }> {
  const cursor = sql<EventRecord[]>`
    select ${recordColumns(sql)}
    from auth_gateway.event_store e order by e.stream_type, e.stream_id, e.version`.cursor(BATCH)
  let events = 0
  let streams = 0
  let last: EventRecord | undefined
  for await (const batch of cursor)
    for (const event of batch) {
      const before = last?.stream_id === event.stream_id && last.stream_type === event.stream_type ? last : undefined
      events += 1
      if (!before) streams += 1
      for (const fault of faultsOf(event, before)) {
        const { position, stream_type, stream_id, version, event_type } = event
        report({ fault, position, stream_type, stream_id, version, type: event_type })
      }
      last = event
    }
  return { events, streams }
}
