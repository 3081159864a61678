import { type Config, dashboardUrl } from '../config.ts'

/**
 * Returns the URL to go to after sign-in or sign-out if it is safe: a path of the gateway, the gateway itself, the dashboard, or an
 * https host under the cookie domain. Everything else is undefined, to prevent open redirects.
 */
export function safeReturnTo(config: Config, given: string | undefined): string | undefined {
  if (!given || /[\\\s\p{Cc}]/u.test(given)) return undefined
  if (given.startsWith('/')) return given.startsWith('//') ? undefined : given
  if (!URL.canParse(given)) return undefined
  const url = new URL(given)
  if (!/^https?:$/.test(url.protocol) || url.username || url.password) return undefined
  if (url.origin === new URL(config.AUTH_BASE_URL).origin) return url.href
  const dashboard = dashboardUrl(config)
  if (dashboard && url.origin === new URL(dashboard).origin) return url.href
  const domain = config.COOKIE_DOMAIN?.replace(/^\./, '')
  const underDomain = domain && (url.hostname === domain || url.hostname.endsWith(`.${domain}`))
  return underDomain && url.protocol === 'https:' && url.port === '' ? url.href : undefined
}

/** The default destination after sign-in. */
export function signInEnd(config: Config): string {
  const dashboard = dashboardUrl(config)
  return dashboard ? `${dashboard}/dashboard` : '/account'
}

/** Adds the destination after sign-in to the path of a page. */
export const withGoal = (path: string, goal: string | undefined) =>
  goal ? `${path}?${new URLSearchParams({ return_to: goal })}` : path
