import type postgres from 'postgres'
import { vi } from 'vitest'

/** Ages everything that the limits have counted. */
export async function ageLimits(sql: postgres.ISql<Record<never, never>>, seconds: number): Promise<void> {
  const by = sql`make_interval(secs => ${seconds})`
  await sql`
    update auth_gateway.rate_limits set expires_at = expires_at - ${by},
      hits = case when hits is not null then array(select h - ${by} from unnest(hits) h) end`
}

/** Runs `act` with the clock of this process ahead by so many milliseconds. */
export async function withClockAhead<T>(milliseconds: number, act: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds })
  return act().finally(() => vi.useRealTimers())
}
