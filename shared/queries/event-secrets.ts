import type postgres from 'postgres'

/**
 * The sealed secret of an event. A subselect, since of the small tables that name such events the planner knows nothing: it would
 * take them for hundreds of rows, and read the secrets of all people to join them.
 */
export const secretOf = (sql: postgres.Sql, event: postgres.Fragment, name: string) =>
  sql`(select s.sealed from auth_gateway.event_secrets s where s.event_id = ${event} and s.name = ${name})`
