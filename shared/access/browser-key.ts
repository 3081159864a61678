import { randomBytes } from 'node:crypto'
import type { Call } from '../call.ts'
import { isHttps } from '../config.ts'

const NAME = 'lanonasis_browser'
/** Outlives any open sign-in page; each page with a form renews it. */
const SECONDS = 86_400
const KEY = /^[A-Za-z0-9_-]{22}$/

const cookieName = () => (isHttps() ? `__Host-${NAME}` : NAME)
const renewed = new WeakMap<Call, string>()

/**
 * The secret that identifies this browser, if it has sent one. Forms and sign-ins in progress are bound to it. It does not identify
 * the person, and one cookie serves every tab: pages opened at the same time would overwrite each other's entries in a cookie
 * that listed transactions.
 */
export function browserKey(call: Call): string | undefined {
  const value = renewed.get(call) ?? call.request.cookies[cookieName()]
  return value && KEY.test(value) ? value : undefined
}

/** Returns the browser's key, created if absent, and renews its cookie for another day. */
export function keepBrowserKey(call: Call): string {
  const known = renewed.get(call)
  if (known) return known
  const key = browserKey(call) ?? randomBytes(16).toString('base64url')
  renewed.set(call, key)
  call.setCookie(cookieName(), key, { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps(), maxAge: SECONDS })
  return key
}

/** Whether a page of that age should still have its cookie: if it has none, the browser blocks cookies. */
export const cookiesAreBlocked = (call: Call, madeAt: Date | undefined) =>
  browserKey(call) === undefined && madeAt !== undefined && call.now().getTime() - madeAt.getTime() < SECONDS * 1000
