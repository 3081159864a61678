import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** The log as a whole. Its origin is the name under which its checkpoints are signed, independent of the gateway's URL. */
export type AuditLogEvent =
  | { type: 'AuditLogBegun'; data: { origin: string } }
  | { type: 'AuditLogOriginChanged'; data: { origin: string; previous: string; reason: string } }
  /** The database was restored from a backup older than a checkpoint kept outside it. */
  | {
      type: 'AuditLogRestored'
      data: Restore & { previous: string; reason: string }
    }

/** The state after a restore, with a signed note: someone with only database access could write the event, but not sign it. */
export type Restore = {
  /** The new origin of the log. */
  origin: string
  /** The newest checkpoint that matches the restored database. Roots are in base64. */
  size: number
  root: string
  /** The kept checkpoint that the log no longer includes. */
  kept: { size: number; root: string }
  /** `restoreStatement` as a note signed under the new origin. */
  note: string
}

/** The signed text of a restore. */
export const restoreStatement = ({ origin, size, root, kept }: Omit<Restore, 'note'>): string =>
  `${origin}\nrestored ${size} ${root}\nkept ${kept.size} ${kept.root}\n`

type AuditLog = { status: 'none' } | { status: 'begun'; origin: string }

export const auditLog: Aggregate<AuditLog, AuditLogEvent> = {
  type: 'audit_log',
  initial: { status: 'none' },
  evolve: (_, { data }) => ({ status: 'begun', origin: data.origin }),
}

/** The id of the only stream of this type. */
export const AUDIT_LOG_ID = '0195d000-0000-7000-8000-000000003001'

/** Begins the log, unless another process already has. */
export function beginLog(state: AuditLog, origin: string): Decision<AuditLogEvent> {
  return { events: state.status === 'none' ? [{ type: 'AuditLogBegun', data: { origin } }] : [] }
}

/** Changes the origin; the current one changes nothing. */
export function changeOrigin(
  state: AuditLog,
  { origin, reason }: { origin: string; reason: string },
): Decision<AuditLogEvent> {
  if (state.status === 'none') return refuse('not_found')
  if (state.origin === origin) return { events: [] }
  const data = { origin, previous: state.origin, reason }
  return record({ type: 'AuditLogOriginChanged', data })
}

/**
 * Records a restore. The log continues under a new origin: checkpoints of two histories under one origin would look forged.
 * @param facts.origin origin of the kept checkpoint, adopted by a log that had not begun
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
  return record(...begun, { type: 'AuditLogRestored', data })
}
