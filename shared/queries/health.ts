import type postgres from 'postgres'
import type { DatabaseClock } from '../database-clock.ts'

/** The value of a promise, or `otherwise` if it takes longer than two seconds. */
export function withinTwoSeconds<T>(promise: Promise<T>, otherwise: T): Promise<T> {
  const timeout = new Promise<T>((resolve) => setTimeout(resolve, 2000, otherwise).unref())
  return Promise.race([promise, timeout])
}

type DatabaseHealth = { reachable: boolean; writable: boolean; reason: string | null; milliseconds: number }

/** SQLSTATEs of refused writes. */
const WRITE_ERRORS: Record<string, string> = { '25006': 'read_only', '53100': 'disk_full' }
const UNREACHABLE = { reachable: false, writable: false, reason: 'unreachable' }

/** Checks that the database accepts a write, and in how many milliseconds (at most two seconds). Also measures its clock. */
export async function checkDatabase(sql: postgres.Sql, clock: DatabaseClock): Promise<DatabaseHealth> {
  const startedAt = performance.now()
  const sentAt = Date.now()
  const beaten = sql<{ now: Date }[]>`select auth_gateway.beat() as now`.then(
    ([row]) => {
      if (row) clock.measure(row.now, sentAt)
      return { reachable: true, writable: true, reason: null }
    },
    ({ code = '' }: { code?: string }) =>
      /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P)/.test(code)
        ? { reachable: true, writable: false, reason: WRITE_ERRORS[code] ?? `sqlstate_${code}` }
        : UNREACHABLE,
  )
  const found = await withinTwoSeconds(beaten, UNREACHABLE)
  return { ...found, milliseconds: Math.round(performance.now() - startedAt) }
}
