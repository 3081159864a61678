import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'

/**
 * Takes a thing that may be seen once, such as the id of an assertion. False when somebody took it before and it has not
 * expired; of many at the same time one is first, on any instance.
 * @param scope what kind of thing it is
 * @param parts what tells it from others of its kind; only their digest is kept
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
