import type { Aggregate, Decision } from '../events/types.ts'

/** The log as a whole. Its origin is the name under which its checkpoints are signed, whatever the gateway's address is by then. */
export type AuditLogEvent =
  | { type: 'AuditLogBegun'; data: { origin: string } }
  | { type: 'AuditLogOriginChanged'; data: { origin: string; previous: string; reason: string } }
  /** The database was restored from a backup that is older than a checkpoint kept outside of it. */
  | {
      type: 'AuditLogRestored'
      data: Restore & { previous: string; reason: string }
    }

/** What a restore left, and what proves that the holder of the signing key recorded it: who only owns the database could write the event as well. */
export type Restore = {
  /** What the log is signed as from then on. */
  origin: string
  /** What the database still had of the log: the newest checkpoint that it begins with. Roots are in base64. */
  size: number
  root: string
  /** The checkpoint that the log no longer begins with. */
  kept: { size: number; root: string }
  /** `restoreStatement` as a note that is signed under the new origin. */
  note: string
}

/** What the signature over a restore covers. */
export const restoreStatement = ({ origin, size, root, kept }: Omit<Restore, 'note'>): string =>
  `${origin}\nrestored ${size} ${root}\nkept ${kept.size} ${kept.root}\n`

export type AuditLog = { status: 'none' } | { status: 'begun'; origin: string }

export const auditLog: Aggregate<AuditLog, AuditLogEvent> = {
  type: 'audit_log',
  initial: { status: 'none' },
  evolve: (_, { data }) => ({ status: 'begun', origin: data.origin }),
}

/** There is one stream of this kind. */
export const AUDIT_LOG_ID = '0195d000-0000-7000-8000-000000003001'

/** Begins the log, unless another process was faster. */
export function beginLog(state: AuditLog, origin: string): Decision<AuditLogEvent> {
  return { events: state.status === 'none' ? [{ type: 'AuditLogBegun', data: { origin } }] : [] }
}

/** The same origin again changes nothing. */
export function changeOrigin(
  state: AuditLog,
  { origin, reason }: { origin: string; reason: string },
): Decision<AuditLogEvent> {
  if (state.status === 'none') return { events: [], refuse: 'not_found' }
  if (state.origin === origin) return { events: [] }
  const data = { origin, previous: state.origin, reason }
  return { events: [{ type: 'AuditLogOriginChanged', data }] }
}

/**
 * Records a restore. The log goes on under another origin: checkpoints of two histories under one would look like a forgery.
 * @param facts.origin that of the kept checkpoint, which a log that had not begun takes for its own
 * @param facts.sign signs a statement as a note under an origin
 */
export function restoreLog(
  state: AuditLog,
  facts: Pick<Restore, 'origin' | 'size' | 'root' | 'kept'> & {
    reason: string
    sign: (origin: string, statement: string) => string
  },
): Decision<AuditLogEvent> {
  const { size, root, kept, reason, sign } = facts
  const previous = state.status === 'begun' ? state.origin : facts.origin
  const [, base = previous, count = '0'] = /^(.*)\/restored-(\d+)$/.exec(previous) ?? []
  const restored = { origin: `${base}/restored-${Number(count) + 1}`, size, root, kept }
  const note = sign(restored.origin, restoreStatement(restored))
  const data = { ...restored, previous, note, reason }
  const begun = state.status === 'begun' ? [] : beginLog(state, facts.origin).events
  return { events: [...begun, { type: 'AuditLogRestored', data }] }
}
