import type postgres from 'postgres'

/** What a promise gives, or `otherwise` when it takes longer. */
export function withinTwoSeconds<T>(promise: Promise<T>, otherwise: T): Promise<T> {
  const timeout = new Promise<T>((resolve) => setTimeout(resolve, 2000, otherwise).unref())
  return Promise.race([promise, timeout])
}

/** Whether the database answers, and in how many milliseconds; waits two seconds at most. */
export async function checkDatabase(sql: postgres.Sql): Promise<{ healthy: boolean; milliseconds: number }> {
  const startedAt = performance.now()
  const answered = sql`select 1 from auth_gateway.stream_heads limit 1`.then(
    () => true,
    () => false,
  )
  const healthy = await withinTwoSeconds(answered, false)
  return { healthy, milliseconds: Math.round(performance.now() - startedAt) }
}
