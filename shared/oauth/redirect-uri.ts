const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?(?=[/?]|$)/
const FORBIDDEN_SCHEMES = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'mailto:',
  'about:',
  'view-source:',
  'filesystem:',
])

const withoutPort = (uri: string) => {
  const match = LOOPBACK.exec(uri)
  if (!match || Number(match[2] ?? 0) > 65_535) return undefined
  return `http://${match[1]}${uri.slice(match[0].length)}`
}

/** Whether a redirect URI is on the loopback interface in one of the three spellings RFC 8252 section 7.3 allows us. */
export function isLoopback(uri: string): boolean {
  return withoutPort(uri) !== undefined
}

/**
 * Whether a requested redirect URI is one of the registered ones: simple string comparison, but for the port on loopback
 * (OAuth 2.1 section 2.3.1, RFC 8252 section 7.3).
 */
export function matchesRedirectUri(registered: readonly string[], requested: string): boolean {
  if (registered.includes(requested)) return true
  const loopback = withoutPort(requested)
  return loopback !== undefined && registered.some((one) => withoutPort(one) === loopback)
}

/** Where a terminal's sign-in ends that has no browser beside it: the page that hands the code over, or shows it. */
export const hostedCallback = (issuer: string) => `${issuer}/auth/cli-callback`

/**
 * Why a redirect URI cannot be registered, or undefined when it can (OAuth 2.1 section 2.3.1, RFC 8252 sections 7.1 and 8.4).
 */
export function redirectUriFault(uri: string): string | undefined {
  if (/[^\x21-\x7E]/.test(uri)) return 'contains a space, control or non-ASCII character'
  if (!URL.canParse(uri)) return 'is not an absolute URI'
  const { protocol, hash, username, password } = new URL(uri)
  if (hash || uri.includes('#')) return 'has a fragment'
  if (username || password) return 'contains credentials'
  if (FORBIDDEN_SCHEMES.has(protocol)) return 'has a forbidden scheme'
  if (protocol === 'https:') return undefined
  if (protocol === 'http:') return isLoopback(uri) ? undefined : 'is http outside of the loopback interface'
  return protocol.includes('.') ? undefined : 'has a private-use scheme without a dot (RFC 8252 section 7.1)'
}
