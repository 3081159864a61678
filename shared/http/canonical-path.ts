const MIRRORS: [prefix: string, canonical: string][] = [
  ['/device', '/oauth/device'],
  ['/authorize', '/oauth/authorize'],
  ['/token', '/oauth/token'],
  ['/introspect', '/oauth/introspect'],
  ['/revoke', '/oauth/revoke'],
  ['/userinfo', '/oauth/userinfo'],
  ['/api/v1/oauth/register', '/register'],
  ['/oauth/register', '/register'],
  ['/api/v1/oauth', '/oauth'],
  ['/v1/auth/api-keys/projects', '/v1/projects'],
  ['/api/v1/auth/api-keys/projects', '/v1/projects'],
  ['/api/v1/api-keys/projects', '/v1/projects'],
  ['/api/v1/projects', '/v1/projects'],
  ['/api/v1/keys/leaked', '/v1/keys/leaked'],
  ['/api/v1/auth', '/v1/auth'],
  ['/api/v1/audit', '/v1/audit'],
  ['/api/v1/api-keys', '/v1/auth/api-keys'],
  ['/api/v1/health', '/health'],
  ['/otp', '/v1/auth/otp'],
  ['/validate', '/auth/validate'],
  ['/api/cli-auth', '/auth/cli-login'],
]

/** Every path of an endpoint, the canonical one first. */
export function mirrorsOf(canonical: string): string[] {
  const mirrors = MIRRORS.filter(([, to]) => canonical === to || canonical.startsWith(`${to}/`))
  return [canonical, ...mirrors.map(([prefix, to]) => prefix + canonical.slice(to.length))]
}

/**
 * Returns the canonical path: mirror prefixes replaced, repeated and trailing slashes removed. All routes use canonical paths.
 */
export function canonicalPath(pathname: string): string {
  const path = pathname.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
  for (const [prefix, canonical] of MIRRORS) {
    if (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/'))
      return canonical + path.slice(prefix.length)
  }
  return path
}

/** The path of a request's URL, already normalized by the platform. */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.slice(start).search(/[?#]/)
  return end < 0 ? url.slice(start) : url.slice(start, start + end)
}
