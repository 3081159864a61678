import type { Gateway } from '../gateway.ts'
import type { SessionListing } from '../queries/sessions.ts'

/** Returns the decrypted address and browser that a session was started from. */
export function originOf(
  { personal }: Gateway,
  { uai, origin, wrapped_key }: SessionListing,
): { ip?: string; userAgent?: string } {
  if (!origin || !wrapped_key) return {}
  return JSON.parse(personal.open(uai, personal.unwrap(uai, wrapped_key), origin))
}
