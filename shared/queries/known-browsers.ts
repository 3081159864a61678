import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'

/**
 * The session, among these, that makes a browser known to the person of an address, if any. One statement.
 * @param digest keyed digest of the normalized address
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
