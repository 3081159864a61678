import type postgres from 'postgres'
import type { RateLimit } from '../events/store.ts'

/** Limits as the parameter of an SQL function. */
export const limitsParameter = (sql: postgres.Sql, limits: RateLimit[] = []) =>
  limits.length === 0 ? null : sql.json(limits)

/** Column `wait`: seconds until every limit is open; costs nothing without limits. */
export const waitColumn = (sql: postgres.Sql, limits: RateLimit[] = []) =>
  limits.length === 0 ? sql`0 as wait` : sql`auth_gateway.rate_limit_wait(${sql.json(limits)}) as wait`
