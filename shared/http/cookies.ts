import type { Call, CookieAttributes } from '../call.ts'
import { config, isHttps } from '../config.ts'
import type { AppContext } from './app.ts'

export const SESSION_COOKIE = 'lanonasis_session'
export const USER_COOKIE = 'lanonasis_user'
const KNOWN_BROWSER_COOKIE = 'lanonasis_known'
const KNOWN_BROWSER_SECONDS = 180 * 86_400

/** Content of `lanonasis_user` for pages of other subdomains; readable by script, never trusted by the gateway. */
type CookieUser = { id: string; email: string; role: string; name?: string; avatar_url?: string; locale?: string }

const attributes = (): CookieAttributes => {
  const domain = config().COOKIE_DOMAIN
  return { path: '/', sameSite: 'Lax', secure: isHttps(), ...(domain && { domain }) }
}

/** Cookie values for a new session or a new session handle. */
export type SessionCookies = {
  /** Opaque session identifier. */
  handle: string
  user: CookieUser
  /** Seconds until the session's absolute expiry. */
  maxAge: number
  /** Sealed sessions that make this browser known to its users; absent if unchanged. */
  knownBrowser?: string
}

const knownBrowserName = () => (isHttps() ? `__Host-${KNOWN_BROWSER_COOKIE}` : KNOWN_BROWSER_COOKIE)

/** Sets `lanonasis_session` (HttpOnly), `lanonasis_user` (URL-encoded JSON) and the known-browser cookie. */
export function setSessionCookies(call: Call, cookies: SessionCookies | undefined): void {
  if (!cookies) return
  const { handle, user, maxAge, knownBrowser } = cookies
  call.setCookie(SESSION_COOKIE, handle, { ...attributes(), httpOnly: true, maxAge })
  call.setCookie(USER_COOKIE, JSON.stringify(user), { ...attributes(), maxAge })
  if (knownBrowser === undefined) return
  const options: CookieAttributes = { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() }
  call.setCookie(knownBrowserName(), knownBrowser, { ...options, maxAge: KNOWN_BROWSER_SECONDS })
}

/** The sealed known-browser cookie of this request. */
export const readKnownBrowser = ({ request }: Call): string | undefined => request.cookies[knownBrowserName()]

/** Clears both cookies, for the configured domain and for the host alone. */
export function clearSessionCookies(call: Call): void {
  const { domain, ...hostOnly } = attributes()
  for (const name of [SESSION_COOKIE, USER_COOKIE]) {
    const expired = { ...hostOnly, httpOnly: name === SESSION_COOKIE, maxAge: 0 }
    call.setCookie(name, '', expired)
    if (domain) call.setCookie(name, '', { ...expired, domain })
  }
}

/** Clears the cookies of an ended session, unless the response starts another one. */
export function forgetSession(c: AppContext): void {
  const starts = c.res.headers.getSetCookie().some((one) => one.startsWith(`${SESSION_COOKIE}=`))
  if (!starts) clearSessionCookies(c.var.call)
}
