import type { Gateway } from '../gateway.ts'
import type { SessionListing } from '../queries/sessions.ts'

/** Where a session was started, opened. */
export function originOf(
  { personal }: Gateway,
  { uai, origin, wrapped_key }: SessionListing,
): { ip?: string; userAgent?: string } {
  if (!origin || !wrapped_key) return {}
  return JSON.parse(personal.open(uai, personal.unwrap(uai, wrapped_key), origin))
}
