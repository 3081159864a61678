import type postgres from 'postgres'
import { type EventRecord, recordColumns } from '../../shared/queries/event-records.ts'
import { eventHash, NO_HASH } from './event-hash.ts'
import type { Finding } from './findings.ts'

const BATCH = 2000

/** Returns every fault of one event, given the event before it in its stream. */
function faultsOf(event: EventRecord, before: EventRecord | undefined): Finding['fault'][] {
  const faults: Finding['fault'][] = []
  const previousHash = before?.hash ?? NO_HASH
  if (!before && event.version === 1 && !equal(event.previous_hash, NO_HASH)) faults.push('first_previous_hash')
  if (event.version !== (before?.version ?? 0) + 1) faults.push('version_gap')
  else if (before && !equal(event.previous_hash, previousHash)) faults.push('broken_link')
  if (!equal(eventHash(event), event.hash)) faults.push('wrong_hash')
  if (before && BigInt(event.position) <= BigInt(before.position)) faults.push('position_order')
  return faults
}

/**
 * Walks every chain from its first event and hashes each event again from its canonical form.
 * @returns the number of events and streams
 */
export async function walkChains(
  sql: postgres.TransactionSql,
  report: (finding: Finding) => void,
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
        report({ fault, position: Number(position), stream_type, stream_id, version, type: event_type })
      }
      last = event
    }
  return { events, streams }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
