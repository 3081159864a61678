import { randomBytes } from 'node:crypto'
import { getCookie, setCookie } from 'hono/cookie'
import { isHttps } from '../config.ts'
import type { AppContext } from '../http/app.ts'

const NAME = 'lanonasis_browser'
/** Longer than anyone leaves a sign-in page open; each page with a form renews it. */
const SECONDS = 86_400
const KEY = /^[A-Za-z0-9_-]{22}$/

const cookieName = () => (isHttps() ? `__Host-${NAME}` : NAME)
const renewed = new WeakMap<Request, string>()

/**
 * The secret that tells this browser from others, if it has sent one. Forms and sign-ins under way are bound to it. It says nothing of
 * who the person is, and one cookie serves every tab: a list of transactions would be read and written back by each page, so that
 * pages that open at the same time would lose each other's.
 */
export function browserKey(c: AppContext): string | undefined {
  const value = renewed.get(c.req.raw) ?? getCookie(c, cookieName())
  return value && KEY.test(value) ? value : undefined
}

/** The same, made now where the browser has none, and kept for another day. */
export function keepBrowserKey(c: AppContext): string {
  const known = renewed.get(c.req.raw)
  if (known) return known
  const key = browserKey(c) ?? randomBytes(16).toString('base64url')
  renewed.set(c.req.raw, key)
  setCookie(c, cookieName(), key, { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps(), maxAge: SECONDS })
  return key
}

/** Whether a page of that age should still find its cookie, so that a browser without one keeps none. */
export const cookiesAreBlocked = (c: AppContext, madeAt: Date | undefined) =>
  browserKey(c) === undefined && madeAt !== undefined && Date.now() - madeAt.getTime() < SECONDS * 1000
