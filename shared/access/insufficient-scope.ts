import { GatewayError } from '../errors.ts'
import type { Caller } from '../http/route.ts'

/** The credential of each caller, as the error message names it. */
const CREDENTIALS: Record<Caller, string> = {
  browser: 'browser session',
  first_party: 'access token',
  application: "application's access token",
  agent: "agent's access token",
  api_key: 'API key',
  service: "service's access token",
}

/**
 * Returns the 403 that names the credential and the scopes it lacks (RFC 6750 section 3.1).
 * @param missing as requested; characters that no scope may have are removed (RFC 6749 section 3.3)
 */
export function insufficientScope(caller: Caller, missing: readonly string[]): GatewayError {
  const scope = missing.join(' ').replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '')
  return new GatewayError('insufficient_scope', {
    description: `The ${CREDENTIALS[caller]} lacks the scope ${scope}.`,
    headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  })
}

/** Returns the 403 for a kind of credential that a route does not accept, whatever its scope. */
export const unsuitableCredential = (caller: Caller) =>
  new GatewayError('insufficient_scope', {
    description: `This is not allowed with the ${CREDENTIALS[caller]}.`,
    reason: `closed to ${caller}`,
  })
