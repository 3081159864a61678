import type postgres from 'postgres'
import type { StoredEvent } from '../events/store.ts'
import { eventsColumn } from './event-records.ts'

/** A pushed request's events, and its parameters while they are stored. One statement. */
export async function findPushed(
  sql: postgres.Sql,
  id: string,
): Promise<{ events: StoredEvent[]; sealedParameters?: Uint8Array }> {
  const [row] = await sql<{ events: StoredEvent[]; sealed: Uint8Array | null }[]>`
    select ${eventsColumn(sql, 'authorization', sql`${id}`)},
      (select s.sealed from auth_gateway.event_secrets s where s.stream_id = ${id} and s.name = 'parameters'
        and s.expires_at > now()) as sealed`
  return { events: row?.events ?? [], sealedParameters: row?.sealed ?? undefined }
}
