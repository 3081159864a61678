import { createHmac } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { AppContext } from '../http/app.ts'
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
export function checkOrigin(c: AppContext, issuer: string): void {
  const origin = c.req.header('origin')
  if (origin !== undefined && origin !== new URL(issuer).origin && !isTrustedOrigin(origin))
    throw new GatewayError('csrf_invalid', { reason: 'sign-in posted by a foreign page' })
}

/**
 * Checks the token of such a link, and where the browser says it, that the page is our own.
 * @throws GatewayError csrf_invalid
 */
export function checkCsrf(c: AppContext, derive: DeriveKey, boundTo: string, given: string | undefined): void {
  const site = c.req.header('sec-fetch-site')
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (foreign || !given || !equalHash(csrfToken(derive, boundTo), given)) throw new GatewayError('csrf_invalid')
}

/** Whether the browser says that a page of another site is behind this request (Fetch Metadata). */
export function isCrossSite(c: AppContext): boolean {
  return c.req.header('sec-fetch-site') === 'cross-site'
}

/** Whether a person was sent here, in this tab, by a page of our own domain (Fetch Metadata). */
export function isOwnNavigation(c: AppContext): boolean {
  const said = (name: string) => c.req.header(`sec-fetch-${name}`)
  return /^same-(site|origin)$/.test(said('site') ?? '') && said('mode') === 'navigate' && said('dest') === 'document'
}

/** Whether a form was posted from another site: its Lax cookies stayed behind, but what we answer would be stored. */
export function isForeignPost(c: AppContext): boolean {
  return c.req.method === 'POST' && isCrossSite(c)
}

/**
 * Refuses a change that a page of another site made a signed-in browser ask for. Programs send no `Origin`.
 * @throws GatewayError csrf_invalid
 */
export function refuseForeignPage({ issuer }: { issuer: string }, c: AppContext): void {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return
  // Forms of our own pages come with `Origin: null`, since those pages send no referrer; the browser itself vouches for them.
  if (c.req.header('sec-fetch-site') === 'same-origin') return
  if (isCrossSite(c)) throw new GatewayError('csrf_invalid', { reason: 'a foreign page asked' })
  checkOrigin(c, issuer)
}
