import type postgres from 'postgres'
import type { PastEvent } from '../domain/state-at.ts'

const PAGE = 5000

/**
 * Returns, a page at a time in order of position, the events up to a time of streams of some types.
 * @param people whose; of everyone when absent, which walks the log
 */
export async function* readPast(
  sql: postgres.Sql,
  streamTypes: string[],
  at: Date,
  people: string[] | undefined,
): AsyncGenerator<PastEvent[]> {
  for (let after = '0'; ; ) {
    const rows = await sql<(PastEvent & { position: string })[]>`
      select e.position::text, e.stream_type as "streamType", e.stream_id as "streamId", e.event_type as type, e.data - 'sealed' as data,
        e.recorded_at as "recordedAt",
        (select c.client_id from auth_gateway.api_clients c where c.id = (e.data->>'clientId')::uuid) as "clientId",
        (select a.last_seen_at from auth_gateway.session_activity a
          where e.event_type = 'SessionStarted' and a.session_id = e.stream_id) as "lastSeenAt"
      from auth_gateway.event_store e
      where e.stream_type = any (${streamTypes}) and e.recorded_at <= ${at} and e.position > ${after}
        ${people ? sql`and e.subject = any (${people})` : sql``}
      order by e.position limit ${people ? null : PAGE}`
    yield rows
    const last = rows.at(-1)
    if (people || !last || rows.length < PAGE) return
    after = last.position
  }
}

/** Until when streams were in the store that are in an archive now; null when there is none. */
export async function archivedUntil(sql: postgres.Sql): Promise<Date | null> {
  const [row] = await sql<{ until: Date | null }[]>`select max(ended_by) as until from auth_gateway.archives`
  return row?.until ?? null
}
