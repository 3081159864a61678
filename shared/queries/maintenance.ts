import type postgres from 'postgres'

const BATCH = 10_000

/** Makes partitions ahead and forgets what has expired; answers how much of each. */
export async function maintain(sql: postgres.Sql): Promise<Record<string, number>> {
  const [row] = await sql<{ done: Record<string, number> }[]>`select auth_gateway.maintain(${BATCH}) as done`
  return row?.done ?? {}
}
