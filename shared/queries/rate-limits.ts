import type postgres from 'postgres'
import type { RateLimit } from '../events/store.ts'

/** Limits that a function is asked about, as its parameter. */
export const limitsParameter = (sql: postgres.Sql, limits: RateLimit[] = []) =>
  limits.length === 0 ? null : sql.json(limits)

/** Seconds until every limit is open, as `wait`; a read that asks about none does not pay for the question. */
export const waitColumn = (sql: postgres.Sql, limits: RateLimit[] = []) =>
  limits.length === 0 ? sql`0 as wait` : sql`auth_gateway.rate_limit_wait(${sql.json(limits)}) as wait`
