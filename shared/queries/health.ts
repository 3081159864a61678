import type postgres from 'postgres'

/** Whether the database answers, and in how many milliseconds; waits two seconds at most. */
export async function checkDatabase(sql: postgres.Sql): Promise<{ healthy: boolean; milliseconds: number }> {
  const startedAt = performance.now()
  const query = sql`select 1 from auth_gateway.stream_heads limit 1`
  const timeout = new Promise<boolean>((resolve) => setTimeout(resolve, 2000, false).unref())
  const answered = query.then(
    () => true,
    () => false,
  )
  const healthy = await Promise.race([answered, timeout])
  return { healthy, milliseconds: Math.round(performance.now() - startedAt) }
}
