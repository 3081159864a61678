import { createHmac } from 'node:crypto'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import { isTrustedOrigin } from '../http/cors.ts'
import type { DeriveKey } from '../tokens/derived-key.ts'
import { equalHash } from '../tokens/opaque.ts'

/** What a link of a person's own page carries: only that page knows it. */
export function csrfToken(derive: DeriveKey, boundTo: string): string {
  return createHmac('sha256', derive('csrf')).update(boundTo).digest('base64url')
}

/**
 * Refuses to sign a browser in for a page of somebody else: a form posted from there would make the person use the
 * attacker's account (RFC 6265 section 8.6, login CSRF). Programs send no `Origin`.
 * @throws GatewayError csrf_invalid
 */
export function checkOrigin(call: Call, issuer: string): void {
  const origin = call.request.header('origin')
  if (origin !== undefined && origin !== new URL(issuer).origin && !isTrustedOrigin(origin))
    throw new GatewayError('csrf_invalid', { reason: 'sign-in posted by a foreign page' })
}

/**
 * Checks the token of such a link, and where the browser says it, that the page is our own.
 * @throws GatewayError csrf_invalid
 */
export function checkCsrf(call: Call, derive: DeriveKey, boundTo: string, given: string | undefined): void {
  const site = call.request.header('sec-fetch-site')
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (foreign || !given || !equalHash(csrfToken(derive, boundTo), given)) throw new GatewayError('csrf_invalid')
}

/** Whether the browser says that a page of another site is behind this request (Fetch Metadata). */
export function isCrossSite(call: Call): boolean {
  return call.request.header('sec-fetch-site') === 'cross-site'
}

/** Whether a person was sent here, in this tab, by a page of our own domain (Fetch Metadata). */
export function isOwnNavigation(call: Call): boolean {
  const said = (name: string) => call.request.header(`sec-fetch-${name}`)
  return /^same-(site|origin)$/.test(said('site') ?? '') && said('mode') === 'navigate' && said('dest') === 'document'
}

/** Whether a form was posted from another site: its Lax cookies stayed behind, but what we answer would be stored. */
export function isForeignPost(call: Call): boolean {
  return call.request.method === 'POST' && isCrossSite(call)
}

/**
 * Refuses a change that a page of another site made a signed-in browser ask for. Programs send no `Origin`.
 * @throws GatewayError csrf_invalid
 */
export function refuseForeignPage(call: Call): void {
  if (call.request.method === 'GET' || call.request.method === 'HEAD') return
  // Forms of our own pages come with `Origin: null`, since those pages send no referrer; the browser itself vouches for them.
  if (call.request.header('sec-fetch-site') === 'same-origin') return
  if (isCrossSite(call)) throw new GatewayError('csrf_invalid', { reason: 'a foreign page asked' })
  checkOrigin(call, call.gateway.issuer)
}
