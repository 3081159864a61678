import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { CookieOptions } from 'hono/utils/cookie'
import { config, isHttps } from '../config.ts'
import type { AppContext } from './app.ts'

export const SESSION_COOKIE = 'lanonasis_session'
export const USER_COOKIE = 'lanonasis_user'
const KNOWN_BROWSER_COOKIE = 'lanonasis_known'
const KNOWN_BROWSER_SECONDS = 180 * 86_400

/** What `lanonasis_user` tells the pages of other sub-domains; readable by script, never trusted by us. */
export type CookieUser = { id: string; email: string; role: string; name?: string; avatar_url?: string }

const attributes = (): CookieOptions => {
  const domain = config().COOKIE_DOMAIN
  return { path: '/', sameSite: 'Lax', secure: isHttps(), ...(domain && { domain }) }
}

/** What a browser gets when it is signed in, or when the handle of its session is replaced. */
export type SessionCookies = {
  /** Opaque; names the session. */
  handle: string
  user: CookieUser
  /** Seconds until the session's absolute end. */
  maxAge: number
  /** Sealed: the sessions that make this browser known to its people; absent where that does not change. */
  knownBrowser?: string
}

const knownBrowserName = () => (isHttps() ? `__Host-${KNOWN_BROWSER_COOKIE}` : KNOWN_BROWSER_COOKIE)

/** Sets `lanonasis_session` (HttpOnly), `lanonasis_user` (URL-encoded JSON) and the known-browser cookie; nothing else sets them. */
export function setSessionCookies(c: AppContext, cookies: SessionCookies | undefined): void {
  if (!cookies) return
  const { handle, user, maxAge, knownBrowser } = cookies
  setCookie(c, SESSION_COOKIE, handle, { ...attributes(), httpOnly: true, maxAge })
  setCookie(c, USER_COOKIE, JSON.stringify(user), { ...attributes(), maxAge })
  if (knownBrowser === undefined) return
  const options: CookieOptions = { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() }
  setCookie(c, knownBrowserName(), knownBrowser, { ...options, maxAge: KNOWN_BROWSER_SECONDS })
}

/** The sealed known-browser cookie of this request. */
export const readKnownBrowser = (c: AppContext): string | undefined => readCookie(c, knownBrowserName())

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
