import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'

/**
 * Claims a value that is accepted once, such as the id of an assertion. False when it was claimed before and has not expired; of many
 * callers at the same time, on any instance, one is first.
 * @param scope what kind of thing it is
 * @param parts what identifies it among its kind; only their digest is stored
 */
export async function claimOnce(
  sql: postgres.Sql,
  scope: string,
  parts: readonly string[],
  expiresAt: Date,
): Promise<boolean> {
  const key = createHash('sha256').update(JSON.stringify(parts)).digest()
  const [row] = await atOnce(sql<{ first: boolean }[]>`
    select auth_gateway.claim_once(${scope}, ${key}, ${expiresAt}) as first`)
  return row?.first ?? false
}
