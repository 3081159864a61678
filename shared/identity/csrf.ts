import { createHmac } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { AppContext } from '../http/app.ts'
import type { DeriveKey } from '../tokens/derived-key.ts'
import { equalHash } from '../tokens/opaque.ts'

/** A form token bound to what the form belongs to: a sign-in in this browser, or a session and a request. */
export function csrfToken(derive: DeriveKey, boundTo: string): string {
  return createHmac('sha256', derive('csrf')).update(boundTo).digest('base64url')
}

/**
 * Checks the token of a posted form, and where the browser says it, that the form is our own.
 * @throws GatewayError csrf_invalid
 */
export function checkCsrf(c: AppContext, derive: DeriveKey, boundTo: string, given: string | undefined): void {
  const site = c.req.header('sec-fetch-site')
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (foreign || !given || !equalHash(csrfToken(derive, boundTo), given)) throw new GatewayError('csrf_invalid')
}
