import type postgres from 'postgres'
import { type EventRecord, recordColumns } from './event-records.ts'
import { type LogRange, rangeOf, recordedBefore, recordedSince } from './log-time.ts'

/** Whose events may be seen: those about some people, about all of an organization, or all there are. */
export type AuditScope = { of: 'people'; uais: string[] } | { of: 'organization'; id: string } | { of: 'everything' }

/** Filter conditions; all that are given must match. */
export type AuditFilter = {
  /** Any UAI of the person, including merged ones. */
  person?: string
  /** Client id as applications know it. */
  client?: string
  type?: string
  streamType?: string
  stream?: string
  event?: string
  request?: string
  session?: string
  since?: Date
  until?: Date
}

type AuditPage = {
  /** `desc`: newest first below the position; `asc`: oldest first above it; the position itself is excluded. */
  order: 'desc' | 'asc'
  position?: string
  limit: number
}

export type AuditRow = {
  position: string
  event_id: string
  stream_type: string
  stream_id: string
  version: number
  event_type: string
  subject: string | null
  data: Record<string, unknown>
  metadata: Record<string, string | undefined>
  recorded_at: Date
  hash: string
  /** Data key of the subject; null if there is none or it was destroyed. */
  wrapped_key: Uint8Array | null
}

/** Columns of event `e`, as `AuditRow`, without the data key. */
export const auditColumns = (sql: postgres.Sql) => sql`
  e.position::text, e.event_id, e.stream_type, e.stream_id, e.version, e.event_type, e.subject, e.data, e.metadata, e.recorded_at,
  encode(e.hash, 'hex') as hash`

type Part = postgres.PendingQuery<postgres.Row[]>

function conditions(sql: postgres.Sql, filter: AuditFilter, { order, position }: AuditPage, range: LogRange): Part {
  const { client, type, streamType, stream, event, request, session, since, until } = filter
  const none = sql``
  return sql`
    ${position === undefined ? none : order === 'desc' ? sql`and e.position < ${position}` : sql`and e.position > ${position}`}
    ${type === undefined ? none : sql`and e.event_type = ${type}`}
    ${streamType === undefined ? none : sql`and e.stream_type = ${streamType}`}
    ${stream === undefined ? none : sql`and e.stream_id = ${stream}`}
    ${event === undefined ? none : sql`and e.event_id = ${event}`}
    ${request === undefined ? none : sql`and e.metadata->>'requestId' = ${request}`}
    ${client === undefined ? none : sql`and e.metadata->>'clientId' = ${client}`}
    ${session === undefined ? none : sql`and e.metadata->>'sessionId' = ${session}`}
    ${since === undefined ? none : sql`and ${recordedSince(sql, since, range)}`}
    ${until === undefined ? none : sql`and ${recordedBefore(sql, until, range)}`}`
}

/** The UAIs whose events are meant; undefined for events of all people. */
function membersOf(sql: postgres.Sql, scope: AuditScope, person: string | undefined): Part | undefined {
  const group = sql`select unnest(g.members) from auth_gateway.identities i
    join auth_gateway.identities g on g.uai = i.canonical_uai where i.uai = ${person ?? null}`
  if (scope.of === 'everything') return person === undefined ? undefined : group
  const within = person === undefined ? sql`` : sql`and x.uai in (${group})`
  if (scope.of === 'people') return sql`select x.uai from unnest(${scope.uais}::uuid[]) as x(uai) where true ${within}`
  return sql`select x.uai from auth_gateway.identities x where x.organization_id = ${scope.id} ${within}`
}

/**
 * A page of events. It walks an index from the start of the page (per person, for a person or an organization), so that its cost
 * depends on the page size and the number of people, not on the size of the log.
 */
export async function listAuditEvents(
  sql: postgres.Sql,
  scope: AuditScope,
  filter: AuditFilter,
  page: AuditPage,
): Promise<AuditRow[]> {
  const direction = page.order === 'desc' ? sql`desc` : sql`asc`
  // Positions commit out of order: an ascending reader must not skip one that is not committed yet.
  const settled = page.order === 'asc' ? sql`and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())` : sql``
  const range = await rangeOf(sql, filter)
  const where = sql`${conditions(sql, filter, page, range)} ${settled} order by e.position ${direction} limit ${page.limit}`
  const members = membersOf(sql, scope, filter.person)
  const found = members
    ? sql`select e.* from (${members}) as m(uai) cross join lateral (
        select e.* from auth_gateway.event_store e where e.subject = m.uai ${where}) as e
      order by e.position ${direction} limit ${page.limit}`
    : sql`select e.* from auth_gateway.event_store e where true ${where}`
  return sql<AuditRow[]>`
    select ${auditColumns(sql)}, k.wrapped_key from (${found}) as e left join auth_gateway.subject_keys k on k.subject = e.subject order by e.position ${direction}`
}

/** An event of an export, with whether it may be seen; of one that may not, the export has only its place in the chain. */
export type ExportRow = EventRecord & { visible: boolean; wrapped_key: Uint8Array | null }

/**
 * The next events of an export by position, after `after`: whole streams, so that their chains can be checked, each event marked
 * by whether it is about a person in scope.
 */
export async function listForExport(
  sql: postgres.Sql,
  scope: AuditScope,
  { after, limit }: { after: string; limit: number },
): Promise<ExportRow[]> {
  const columns = sql`${recordColumns(sql)}`
  const settled = sql`e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())`
  const members = membersOf(sql, scope, undefined)
  if (!members)
    return sql<ExportRow[]>`
      select ${columns}, true as visible, k.wrapped_key
      from auth_gateway.event_store e left join auth_gateway.subject_keys k on k.subject = e.subject
      where e.position > ${after} and ${settled} order by e.position limit ${limit}`
  return sql<ExportRow[]>`
    with members as materialized (${members}),
    streams as materialized (
      select distinct o.stream_type, o.stream_id from members m join auth_gateway.event_store o on o.subject = m.uai)
    select ${columns}, exists (select 1 from members m where m.uai = e.subject) as visible, k.wrapped_key
    from streams s join auth_gateway.event_store e on e.stream_type = s.stream_type and e.stream_id = s.stream_id
    left join auth_gateway.subject_keys k on k.subject = e.subject
    where e.position > ${after} and ${settled} order by e.position limit ${limit}`
}
