import type postgres from 'postgres'

// One pair of functions for all: with its own, each query would become a dictionary, slow to read and much to collect.
const NEVER = { get: () => false, set: () => {} }

/**
 * Sends a statement in one round trip. The driver would send it, wait for the server to say the types of its parameters, and only
 * then send them, unless the statement is prepared. Only for parameters that need no such word: text, numbers, null, bytes, dates
 * and `sql.json`, given to a function whose signature tells the types; an array does not qualify.
 */
export function atOnce<Row extends readonly postgres.MaybeRow[]>(
  query: postgres.PendingQuery<Row>,
): postgres.PendingQuery<Row> {
  return Object.defineProperty(query, 'describeFirst', NEVER)
}
