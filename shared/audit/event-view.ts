import type { Personal } from '../personal.ts'
import type { AuditRow } from '../queries/audit-events.ts'

/** The viewer: the person that the events are about, or an operator who administers them. */
export type Viewer = 'person' | 'operator'

type Sealed = { subject: string | null; wrapped_key: Uint8Array | null }

const isHash = ([name]: [string, unknown]) => /hash$/i.test(name)

/** Returns the decrypted personal values of an event; undefined if it has none, null if they were erased. */
export function openPersonal(personal: Personal, row: Sealed & { data: Record<string, unknown> }) {
  const { sealed } = row.data
  if (typeof sealed !== 'object' || sealed === null) return undefined
  const open = personal.opener(row.subject, row.wrapped_key)
  const values = Object.entries(sealed).flatMap(([name, value]) => {
    const text = open(value)
    return text === undefined ? [] : [[name, text] as const]
  })
  return values.length > 0 ? Object.fromEntries(values) : null
}

/** Returns the IP address and user agent of an event; a person does not see those of an operator. */
export function openOrigin(
  personal: Personal,
  row: Sealed & { metadata: Record<string, string | undefined> },
  viewer: Viewer,
): { ip?: string; user_agent?: string } | undefined {
  const { origin, actorType } = row.metadata
  if (viewer === 'person' && actorType === 'operator') return undefined
  const opened = personal.opener(row.subject, row.wrapped_key)(origin)
  if (!opened) return undefined
  const { ip, userAgent } = JSON.parse(opened) as { ip?: string; userAgent?: string }
  return { ip, user_agent: userAgent }
}

/** Returns an event for `/v1/audit/events`: what happened, to whom, by whom, from where, without digests of secrets. */
export function toAuditEvent(personal: Personal, row: AuditRow, viewer: Viewer) {
  const { metadata } = row
  const data = Object.entries(row.data).filter((entry) => entry[0] !== 'sealed' && !isHash(entry))
  return {
    id: row.event_id,
    position: Number(row.position),
    type: row.event_type,
    stream: { type: row.stream_type, id: row.stream_id, version: row.version },
    subject: row.subject,
    recorded_at: row.recorded_at.toISOString(),
    actor: { type: metadata.actorType ?? 'anonymous', id: metadata.actor ?? null },
    client_id: metadata.clientId ?? null,
    session_id: metadata.sessionId ?? null,
    credential_id: metadata.credentialId ?? null,
    request_id: metadata.requestId ?? null,
    correlation_id: metadata.correlationId ?? null,
    caused_by: metadata.causationId ?? null,
    data: Object.fromEntries(data),
    personal: openPersonal(personal, row),
    origin: openOrigin(personal, row, viewer),
    hash: row.hash,
  }
}

export type AuditEvent = ReturnType<typeof toAuditEvent>
