import type postgres from 'postgres'

// Shared by all queries: with own functions, each query object would become a dictionary, slow to read and costly to collect.
const NEVER = { get: () => false, set: () => {} }

/** False once the driver or the database was seen not to work this way. */
let usable = true

/**
 * Sends a statement in one round trip. Without a prepared statement, the driver would first ask the server for the parameter types.
 * Only for parameters whose types need no lookup: text, numbers, null, bytes, dates and `sql.json`, passed to a function whose
 * signature defines the types; not for arrays.
 */
export function atOnce<Row extends readonly postgres.MaybeRow[]>(
  query: postgres.PendingQuery<Row>,
): postgres.PendingQuery<Row> {
  return usable ? Object.defineProperty(query, 'describeFirst', NEVER) : query
}

/** Turns `atOnce` on or off for this process: see `testAtOnce`. */
export function useAtOnce(value: boolean): void {
  usable = value
}
