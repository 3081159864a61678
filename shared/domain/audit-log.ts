import type { Aggregate, Decision } from '../events/types.ts'

/** The log as a whole. Its origin is the name under which its checkpoints are signed, whatever the gateway's address is by then. */
export type AuditLogEvent =
  | { type: 'AuditLogBegun'; data: { origin: string } }
  | { type: 'AuditLogOriginChanged'; data: { origin: string; previous: string; reason: string } }

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
