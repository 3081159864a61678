import type postgres from 'postgres'

const BATCH = 10_000

/** Creates partitions ahead and deletes expired rows; returns the counts. */
export async function maintain(sql: postgres.Sql): Promise<Record<string, number>> {
  const [row] = await sql<{ done: Record<string, number> }[]>`select auth_gateway.maintain(${BATCH}) as done`
  return row?.done ?? {}
}
