import { randomBytes } from 'node:crypto'
import type { Call } from '../call.ts'
import { isHttps } from '../config.ts'

const NAME = 'lanonasis_browser'
/** Longer than anyone leaves a sign-in page open; each page with a form renews it. */
const SECONDS = 86_400
const KEY = /^[A-Za-z0-9_-]{22}$/

const cookieName = () => (isHttps() ? `__Host-${NAME}` : NAME)
const renewed = new WeakMap<Call, string>()

/**
 * The secret that tells this browser from others, if it has sent one. Forms and sign-ins under way are bound to it. It says nothing of
 * who the person is, and one cookie serves every tab: a list of transactions would be read and written back by each page, so that
 * pages that open at the same time would lose each other's.
 */
export function browserKey(call: Call): string | undefined {
  const value = renewed.get(call) ?? call.request.cookies[cookieName()]
  return value && KEY.test(value) ? value : undefined
}

/** The same, made now where the browser has none, and kept for another day. */
export function keepBrowserKey(call: Call): string {
  const known = renewed.get(call)
  if (known) return known
  const key = browserKey(call) ?? randomBytes(16).toString('base64url')
  renewed.set(call, key)
  call.setCookie(cookieName(), key, { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps(), maxAge: SECONDS })
  return key
}

/** Whether a page of that age should still find its cookie, so that a browser without one keeps none. */
export const cookiesAreBlocked = (call: Call, madeAt: Date | undefined) =>
  browserKey(call) === undefined && madeAt !== undefined && call.now().getTime() - madeAt.getTime() < SECONDS * 1000
