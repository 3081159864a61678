import type postgres from 'postgres'

/** Event ids are UUIDv7, created just before the event: maximum difference of their times. */
const SLACK_MS = 300_000

/** The smallest UUIDv7 of an instant (RFC 9562 section 5.7). */
function floorOf(milliseconds: number): string {
  const hex = Math.max(0, milliseconds).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`
}

/** Positions between which all events of a time are, and more at both ends; null where the log begins or ends in it. */
export type LogRange = { since?: string | null; until?: string | null }

/**
 * Converts a period to a range of positions by the index of the event ids. A separate statement, since the planner must know the
 * numbers to choose an ordered index scan over a sort.
 */
export async function rangeOf(sql: postgres.Sql, { since, until }: { since?: Date; until?: Date }): Promise<LogRange> {
  if (!since && !until) return {}
  const [row] = await sql<{ since: string | null; until: string | null }[]>`
    select (select e.position::text from auth_gateway.event_store e
        where e.event_id < ${since ? floorOf(since.getTime() - SLACK_MS) : null} order by e.event_id desc limit 1) as since,
      (select e.position::text from auth_gateway.event_store e
        where e.event_id >= ${until ? floorOf(until.getTime() + SLACK_MS) : null} order by e.event_id limit 1) as until`
  return { since: since && row?.since, until: until && row?.until }
}

/** Condition: event `e` was recorded at or after a time. */
export const recordedSince = (sql: postgres.Sql, time: Date, { since }: LogRange) => sql`
  e.recorded_at >= ${time} ${since ? sql`and e.position >= ${since}` : sql``}`

/** Condition: event `e` was recorded before a time. */
export const recordedBefore = (sql: postgres.Sql, time: Date, { until }: LogRange) => sql`
  e.recorded_at < ${time} ${until ? sql`and e.position <= ${until}` : sql``}`
