import { type Config, dashboardUrl } from '../config.ts'

/**
 * The address to go to after sign-in or sign-out, or undefined when it is not one of ours: a path of the gateway, the gateway
 * itself, the dashboard, or an https host under the cookie domain. Nothing else, so that no redirect is open.
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

/** Where a sign-in ends that is on the way to nowhere. */
export function signInEnd(config: Config): string {
  const dashboard = dashboardUrl(config)
  return dashboard ? `${dashboard}/dashboard` : '/account'
}

/** A page with where the person is on the way to. */
export const withGoal = (path: string, goal: string | undefined) =>
  goal ? `${path}?${new URLSearchParams({ return_to: goal })}` : path
