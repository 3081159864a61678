/** The meaning of each fault, in the order in which they are reported. */
const faults = {
  wrong_hash: 'the event is not what was hashed when it was appended',
  broken_link: 'the event does not follow from the one before it in its stream',
  first_previous_hash: 'the first event of the stream follows from another one',
  version_gap: 'an event is missing before this one',
  position_order: 'the event is at or before the position of its predecessor',
  duplicate_position: 'two events have this position',
  duplicate_event_id: 'two events have this id',
  tail_missing: 'the stream ends before the event that its head names',
  head_differs: 'the head of the stream is not its last event',
  head_missing: 'the stream has no head',
  stream_missing: 'there is a head, but no event',
  cause_missing: 'the event that caused this one is gone',
  digest_orphaned: 'a look-up digest belongs to an event that is gone',
  digest_misplaced: 'a look-up digest names another stream or subject than its event',
  secret_orphaned: 'a sealed secret belongs to an event that is gone',
  digest_differs: 'a look-up digest is not the one of its event',
  digest_missing: 'a look-up digest of the event is gone, but its subject was not erased',
  secret_differs: 'a sealed secret, or its expiry, is not the one of its event, or of the newest rewrap',
  secret_missing: 'a sealed secret of the event was deleted before it expired',
  key_differs: 'the data key of a subject is not the one of its first event, or of the newest rewrap',
  key_missing: 'the data key of a subject is gone, but it was not erased',
  key_orphaned: 'a data key belongs to no stream',
  key_foreign: 'the data key of a subject is not sealed under the key ring of the database',
  value_outdated: 'a value is sealed under a key that is gone, although all values were sealed again',
  rewrap_unsigned: 'values that were sealed again are not signed by the key of the log',
  rewrap_differs: 'the batches of values that were sealed again are not those that the event names',
  rewrap_order: 'values were sealed again under keys of an older epoch',
  address_twice: 'two identities have the same address',
  tree_missing: 'the audit tree is gone',
  tree_size: 'the audit tree and its tiles differ in size',
  leaf_differs: 'the event is not the one in the audit tree',
  event_slipped_in: 'the event is before others in the log, but was inserted after they were added to the audit tree',
  event_cut_off: 'the event that the audit tree has at this position is gone',
  archive_differs: 'the archived events are not the ones that the event of the archive names',
  archived_event_stands: 'the event is in the store, although it was archived',
  archive_missing: 'the file of an archive is missing',
  archive_file_differs: 'the file of an archive was changed, or does not verify',
  tile_differs: 'a tile of the audit tree does not follow from the events',
  tile_missing: 'a tile of the audit tree is gone',
  checkpoint_unsigned: 'a checkpoint is not signed by the key of the log',
  checkpoint_origin: 'a checkpoint is signed under a name that the log did not have at that time',
  checkpoint_differs: 'a checkpoint does not cover these events',
  checkpoint_missing: 'the newest checkpoint is gone',
  restore_unsigned: 'a recorded restore is not signed by the key of the log, or is of another log',
  log_cut_off: 'the log has fewer events than a checkpoint that was kept outside of it',
  row_orphaned: 'a row of the read model belongs to a stream that is gone',
  row_version: 'a row of the read model is not at the version of its stream',
  unguarded: 'a trigger that keeps the log append-only, or projects it, is missing or disabled',
  foreign_grant: 'a role other than the gateway and the owner has privileges in the schema',
} as const

export type Fault = keyof typeof faults

type Finding = {
  fault: Fault
  /** Of the event or row, where there is one. */
  stream_type?: string
  stream_id?: string
  /** Of the event, where there is one. */
  position?: number
  version?: number
  /** Event type. */
  type?: string
  /** Table, where it is not the event store. */
  table?: string
  /** More about it, in words. */
  detail?: string
}

/** A finding as a query returns it: null for what it does not have, and a position as text. */
type Found = { [name in keyof Omit<Finding, 'position'>]: Finding[name] | null } & {
  fault: Fault
  position?: number | string | null
}

export type Report = (found: Found) => void

export type FaultReport = { fault: Fault; meaning: string; count: number; first: Finding }

/** Collects findings: how many of each kind, and the first one by position. */
export function createFindings() {
  const found = new Map<string, FaultReport>()
  return {
    add({ position, ...rest }: Found): void {
      const present = Object.entries(rest).filter(([, value]) => value !== null)
      const at = typeof position === 'string' || typeof position === 'number' ? { position: Number(position) } : {}
      const finding = { ...Object.fromEntries(present), ...at } as Finding
      const kind = `${finding.fault} ${finding.table ?? ''}`
      const known = found.get(kind)
      if (!known)
        return void found.set(kind, { fault: finding.fault, meaning: faults[finding.fault], count: 1, first: finding })
      known.count += 1
      if ((finding.position ?? Infinity) < (known.first.position ?? Infinity)) known.first = finding
    },
    reports(): FaultReport[] {
      const order = Object.keys(faults)
      return [...found.values()].sort((a, b) => order.indexOf(a.fault) - order.indexOf(b.fault))
    },
  }
}
