import { createHmac } from 'node:crypto'
import { equalHash } from '../../packages/auth-server/src/equal-hash.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import { isTrustedOrigin } from '../http/cors.ts'
import type { KeyRing } from '../tokens/key-ring.ts'

/** The CSRF token for links on a person's own page. */
export function csrfToken(ring: KeyRing, boundTo: string): string {
  return createHmac('sha256', ring.key('csrf')).update(boundTo).digest('base64url')
}

/**
 * Refuses a sign-in posted from a foreign page, which would make the person use the attacker's account (RFC 6265 section 8.6,
 * login CSRF). Programs send no `Origin`.
 * @throws GatewayError csrf_invalid
 */
export function checkOrigin(call: Call, issuer: string): void {
  const origin = call.request.header('origin')
  if (origin !== undefined && origin !== new URL(issuer).origin && !isTrustedOrigin(origin))
    throw new GatewayError('csrf_invalid', { reason: 'sign-in posted by a foreign page' })
}

/**
 * Checks the CSRF token of a link and, where the browser sends Fetch Metadata, that the page is the gateway's own.
 * @throws GatewayError csrf_invalid
 */
export function checkCsrf(call: Call, ring: KeyRing, boundTo: string, given: string | undefined): void {
  const site = call.request.header('sec-fetch-site')
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (foreign || !given || !equalHash(csrfToken(ring, boundTo), given)) throw new GatewayError('csrf_invalid')
}

/** Whether a page of another site made this request (Fetch Metadata). */
export function isCrossSite(call: Call): boolean {
  return call.request.header('sec-fetch-site') === 'cross-site'
}

/** Whether a page of our own domain navigated this tab here (Fetch Metadata). */
export function isOwnNavigation(call: Call): boolean {
  const metadata = (name: string) => call.request.header(`sec-fetch-${name}`)
  return (
    /^same-(site|origin)$/.test(metadata('site') ?? '') &&
    metadata('mode') === 'navigate' &&
    metadata('dest') === 'document'
  )
}

/** Whether a form was posted from another site: its Lax cookies were not sent, but the browser would store those of the response. */
export function isForeignPost(call: Call): boolean {
  return call.request.method === 'POST' && isCrossSite(call)
}

/**
 * Refuses a state-changing request made by a page of another site (CSRF). Programs send no `Origin`.
 * @throws GatewayError csrf_invalid
 */
export function refuseForeignPage(call: Call): void {
  if (call.request.method === 'GET' || call.request.method === 'HEAD') return
  // Forms on our own pages arrive with `Origin: null`, since the pages send no referrer; Fetch Metadata identifies them.
  if (call.request.header('sec-fetch-site') === 'same-origin') return
  if (isCrossSite(call)) throw new GatewayError('csrf_invalid', { reason: 'cross-site request' })
  checkOrigin(call, call.gateway.issuer)
}
