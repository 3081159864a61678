import type postgres from 'postgres'
import type { StoredEvent } from '../events/store.ts'

/** Whether nothing may be sent to the address with this digest, as a column. */
export const suppressedColumn = (sql: postgres.Sql, digest: Uint8Array) => sql`
  exists (
    select from auth_gateway.lookup_digests sd join auth_gateway.suppressions su on su.id = sd.stream_id
    where sd.kind = 'suppressed_address' and sd.digest = ${Buffer.from(digest)} and su.lifted_at is null
  ) as suppressed`

/** What is known of a message so far, and whether its address may be sent to. One statement. */
export async function findMessage(
  sql: postgres.Sql,
  { id, digest }: { id: string; digest: Uint8Array },
): Promise<{ events: StoredEvent[]; suppressed: boolean }> {
  const [row] = await sql<{ events: StoredEvent[]; suppressed: boolean }[]>`
    select ${suppressedColumn(sql, digest)},
      coalesce((select jsonb_agg(jsonb_build_object('event_id', e.event_id, 'version', e.version, 'type', e.event_type, 'data', e.data)
        order by e.version) from auth_gateway.event_store e where e.stream_type = 'message' and e.stream_id = ${id}), '[]') as events`
  if (!row) throw new Error('a look-up without a row')
  return row
}
