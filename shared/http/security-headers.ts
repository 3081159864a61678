import { isHttps } from '../config.ts'

const ALWAYS: [string, string][] = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
]

/**
 * Adds the default security headers: no sniffing, no framing, no referrer, a CSP that loads nothing, no caching. A CSP or cache rule
 * set by the endpoint is kept. Mutates `headers`.
 */
export function addSecurityHeaders(headers: Headers): void {
  for (const [name, value] of ALWAYS) headers.set(name, value)
  if (isHttps()) headers.set('Strict-Transport-Security', 'max-age=63072000; includeSubDomains')
  if (!headers.has('Content-Security-Policy')) {
    headers.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
  }
  if (!headers.has('Cache-Control')) {
    headers.set('Cache-Control', 'no-store')
    headers.set('Pragma', 'no-cache')
  }
}
