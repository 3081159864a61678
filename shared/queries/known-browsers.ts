import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'

/**
 * The one of these sessions that makes a browser known to the person of an address; undefined when none does. One statement.
 * @param digest keyed digest of the normalised address
 */
export async function findKnownBrowser(
  sql: postgres.Sql,
  digest: Uint8Array,
  sessions: string[],
): Promise<string | undefined> {
  const [row] = await atOnce(sql<{ id: string | null }[]>`
    select auth_gateway.known_browser_of(${Buffer.from(digest)}, ${sql.json(sessions)}) as id`)
  return row?.id ?? undefined
}
