import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { CookieOptions } from 'hono/utils/cookie'
import { config, isHttps } from '../config.ts'
import type { AppContext } from './app.ts'

export const SESSION_COOKIE = 'lanonasis_session'
export const USER_COOKIE = 'lanonasis_user'

/** What `lanonasis_user` tells the pages of other sub-domains; readable by script, never trusted by us. */
export type CookieUser = { id: string; email: string; role: string; name?: string; avatar_url?: string }

const attributes = (): CookieOptions => {
  const domain = config().COOKIE_DOMAIN
  return { path: '/', sameSite: 'Lax', secure: isHttps(), ...(domain && { domain }) }
}

/**
 * Sets `lanonasis_session` (HttpOnly, the opaque handle) and `lanonasis_user` (URL-encoded JSON).
 * @param maxAge seconds until the session's absolute end.
 */
export function setSessionCookies(c: AppContext, session: { handle: string; user: CookieUser; maxAge: number }): void {
  const { handle, user, maxAge } = session
  setCookie(c, SESSION_COOKIE, handle, { ...attributes(), httpOnly: true, maxAge })
  setCookie(c, USER_COOKIE, JSON.stringify(user), { ...attributes(), maxAge })
}

/** Clears both cookies, for the configured domain and for the host alone. */
export function clearSessionCookies(c: AppContext): void {
  const { domain, ...hostOnly } = attributes()
  for (const name of [SESSION_COOKIE, USER_COOKIE]) {
    const options = { ...hostOnly, httpOnly: name === SESSION_COOKIE }
    deleteCookie(c, name, options)
    if (domain) deleteCookie(c, name, { ...options, domain })
  }
}

/** Clears the cookies of a session that has ended elsewhere, unless the response starts another one. */
export function forgetSession(c: AppContext): void {
  const starts = c.res.headers.getSetCookie().some((one) => one.startsWith(`${SESSION_COOKIE}=`))
  if (!starts) clearSessionCookies(c)
}

/** The value of a cookie of this request, URL-decoded; `undefined` when absent or empty. */
export function readCookie(c: AppContext, name: string): string | undefined {
  return getCookie(c, name) || undefined
}
