import { config } from '../config.ts'
import type { Dialect } from '../errors.ts'

/** Allowed headers for a preflight that names none (docs/wire-contract.md 1.0). */
const REQUEST_HEADERS = [
  'Content-Type',
  'Authorization',
  'X-Request-ID',
  'X-Project-Scope',
  'X-Requested-With',
  'X-Platform',
  'X-API-Key',
  'X-Auth-Method',
  'X-CSRF-Token',
  'X-Organization-ID',
  'MCP-Protocol-Version',
  'DPoP',
].join(', ')

const EXPOSED_HEADERS = [
  'X-Request-ID',
  'X-Auth-Source',
  'X-Actor-Id',
  'X-Actor-Type',
  'X-API-Key-Id',
  'X-Project-Scope',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Retry-After',
  'WWW-Authenticate',
  'DPoP-Nonce',
].join(', ')

const ALWAYS_TRUSTED = ['api', 'mcp', 'mcp1', 'maas', 'auth'].map((name) => `https://${name}.lanonasis.com`)
const PUBLIC = /^\/(\.well-known\/.+|oauth\/jwks\.json|openapi\.json|health|ready)$/
/** Endpoints that authenticate clients without cookies: applications of any origin may call them. */
const OPEN = /^\/(oauth\/(token|revoke|par|device|userinfo)|register(\/[^/]+(\/secret)?)?)$/
const NAVIGATED = /^\/oauth\/(authorize|consent|logout)$/

type CorsPolicy = 'none' | 'public' | 'open' | 'trusted'

/**
 * Which origins may read the responses of an endpoint: none (browser navigation), all (public documents), all without credentials
 * and trusted ones with them (open), or only trusted ones.
 */
export function corsPolicy(path: string, dialect: Dialect): CorsPolicy {
  if (PUBLIC.test(path)) return 'public'
  if (OPEN.test(path)) return 'open'
  return dialect === 'page' || NAVIGATED.test(path) ? 'none' : 'trusted'
}

function matches(origin: URL, pattern: string): boolean {
  const [, scheme = 'https', host = '', port = ''] = /^(?:(https?):\/\/)?([^:/]+)(?::(\*|\d+))?$/.exec(pattern) ?? []
  if (!host || origin.protocol !== `${scheme}:`) return false
  if (port !== '*' && origin.port !== port) return false
  return host.startsWith('*.') ? origin.hostname.endsWith(host.slice(1)) : origin.hostname === host
}

/** Whether `origin` matches one of `patterns` (`https://*.example.com`, `*.example.com`, `http://localhost:*`). */
export function isTrustedOrigin(origin: string, patterns: readonly string[] = config().CORS_ORIGIN): boolean {
  if (!URL.canParse(origin)) return false
  const parsed = new URL(origin)
  if (parsed.origin !== origin) return false
  return ALWAYS_TRUSTED.includes(origin) || patterns.some((pattern) => matches(parsed, pattern))
}

/** The valid header names that a preflight requests; by default those of our own clients. */
function requestedHeaders(request: Request): string {
  const asked = request.headers.get('access-control-request-headers') ?? ''
  const names = asked.split(',').map((name) => name.trim())
  const usable = names.filter((name) => /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name)).slice(0, 50)
  return usable.length > 0 ? usable.join(', ') : REQUEST_HEADERS
}

/** The CORS headers of a response to `request` at canonical `path`; for a preflight also the allowed methods and headers. */
export function corsHeaders(request: Request, path: string, dialect: Dialect): Record<string, string> {
  const policy = corsPolicy(path, dialect)
  if (policy === 'none') return {}
  const origin = request.headers.get('origin')
  const managed = path.startsWith('/register/')
  const methods = dialect === 'oauth' && !managed ? 'GET, POST, OPTIONS' : 'GET, POST, PUT, PATCH, DELETE, OPTIONS'
  const preflight: Record<string, string> = isPreflight(request)
    ? {
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': requestedHeaders(request),
        'Access-Control-Max-Age': '600',
      }
    : {}
  if (policy === 'public') return { 'Access-Control-Allow-Origin': '*', ...preflight }
  const exposed = { Vary: 'Origin', 'Access-Control-Expose-Headers': EXPOSED_HEADERS, ...preflight }
  if (origin && isTrustedOrigin(origin))
    return { ...exposed, 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' }
  return policy === 'open' ? { ...exposed, 'Access-Control-Allow-Origin': '*' } : { Vary: 'Origin' }
}

/** Whether a request is a CORS preflight (Fetch standard, section 3.3.2). */
export function isPreflight(request: Request): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.has('origin') &&
    request.headers.has('access-control-request-method')
  )
}
