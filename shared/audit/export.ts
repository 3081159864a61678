import { createHash } from 'node:crypto'
import type { Personal } from '../personal.ts'
import type { ArchivedLeaf } from '../queries/archives.ts'
import type { ExportRow } from '../queries/audit-events.ts'
import type { EventRecord } from '../queries/event-records.ts'
import { openOrigin, openPersonal, type Viewer } from './event-view.ts'

const EXPORT_FORMAT = 'lanonasis-audit-export-v1'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/**
 * Returns an event as a line of an export: every field of its canonical form (`008_event_store.sql`) as text, so that a reader can hash
 * it again without knowing how PostgreSQL prints JSON.
 */
export function eventLine({ previous_hash, hash, ...event }: EventRecord) {
  return { kind: 'event', ...event, previous_hash: hex(previous_hash), hash: hex(hash) }
}

/** The chain position of an event that this reader may not see. */
function hiddenLine({ position, stream_type, stream_id, version, previous_hash, hash }: EventRecord) {
  return {
    kind: 'hidden',
    position,
    stream_type,
    stream_id,
    version,
    previous_hash: hex(previous_hash),
    hash: hex(hash),
  }
}

/** The leaf of an archived event. */
export function archivedLine({ position, archive, leaf }: ArchivedLeaf) {
  return { kind: 'archived', position, archive, leaf: hex(leaf) }
}

/** Merges events and the leaves of archived ones by position. */
export function inOrder<T extends { position: string }>(
  events: T[],
  archived: ArchivedLeaf[],
  limit: number,
): (T | ArchivedLeaf)[] {
  const both: (T | ArchivedLeaf)[] = [...events, ...archived]
  return both.sort((a, b) => (BigInt(a.position) < BigInt(b.position) ? -1 : 1)).slice(0, limit)
}

/** The checkpoint of the proofs in an export. */
export function checkpointLine({ note }: { note: string }, signer: { verifierKey: string } | undefined) {
  return { kind: 'checkpoint', note, verifier_key: signer?.verifierKey }
}

/** An event of an export. Only the person it is about gets decrypted personal values: an operator's export may go to others. */
export function exportLine(personal: Personal, row: ExportRow, viewer: Viewer): object {
  const { visible, wrapped_key, ...event } = row
  if (!visible) return hiddenLine(event)
  if (viewer === 'operator') return eventLine(event)
  const parts = { subject: row.subject, wrapped_key, data: JSON.parse(row.data), metadata: JSON.parse(row.metadata) }
  return {
    ...eventLine(event),
    personal: openPersonal(personal, parts),
    origin: openOrigin(personal, parts, viewer),
  }
}

/** Builds the lines of an export, without line ends; the last one has the number of lines before it and their SHA-256. */
export function createExport(header: object) {
  const digest = createHash('sha256')
  let lines = 0
  const line = (content: object): string => {
    const text = JSON.stringify(content)
    digest.update(`${text}\n`)
    lines += 1
    return text
  }
  return {
    header: () => line({ kind: 'export', format: EXPORT_FORMAT, ...header }),
    line,
    /** @param next position after which the next export starts; null if this one is complete */
    end: (next: string | null) =>
      JSON.stringify({ kind: 'end', lines, sha256: digest.digest('hex'), next_after: next }),
  }
}
