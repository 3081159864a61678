import type postgres from 'postgres'
import type { PAST_EVENTS, PastEvent } from '../domain/state-at.ts'

const PAGE = 5000

/**
 * Returns, a page at a time in order of position, the events up to a time that say what people could do, with what is folded of their
 * data. Of the rotations of a refresh token, which can be thousands a day, only the latest says anything.
 * @param people whose; of everyone when absent, which walks the log
 */
export async function* readPast(
  sql: postgres.Sql,
  { streams, types, members }: typeof PAST_EVENTS,
  at: Date,
  people: string[] | undefined,
): AsyncGenerator<PastEvent[]> {
  for (let after = '0'; ; ) {
    const rows = await sql<(PastEvent & { position: string })[]>`
      select e.position::text, e.stream_type as "streamType", e.stream_id as "streamId", e.event_type as type,
        (select coalesce(jsonb_object_agg(m.key, m.value), '{}') from jsonb_each(e.data) m where m.key = any (${members})) as data,
        e.recorded_at as "recordedAt",
        (select c.client_id from auth_gateway.api_clients c where c.id = (e.data->>'clientId')::uuid) as "clientId",
        (select a.last_seen_at from auth_gateway.session_activity a
          where e.event_type = 'SessionStarted' and a.session_id = e.stream_id) as "lastSeenAt"
      from auth_gateway.event_store e
      where e.stream_type = any (${streams}) and e.event_type = any (${types}) and e.recorded_at <= ${at} and e.position > ${after}
        and not (e.event_type = 'RefreshTokenRotated' and exists (
          select from auth_gateway.event_store l where l.stream_type = 'token_family' and l.stream_id = e.stream_id
            and l.version > e.version and l.event_type = 'RefreshTokenRotated' and l.recorded_at <= ${at}))
        ${people ? sql`and e.subject = any (${people})` : sql``}
      order by e.position limit ${PAGE}`
    yield rows
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    after = last.position
  }
}

/** Until when streams were in the store that are in an archive now; null when there is none. */
export async function archivedUntil(sql: postgres.Sql): Promise<Date | null> {
  const [row] = await sql<{ until: Date | null }[]>`select max(ended_by) as until from auth_gateway.archives`
  return row?.until ?? null
}
