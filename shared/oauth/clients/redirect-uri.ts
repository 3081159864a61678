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

/** Whether a redirect URI is on the loopback interface in one of the three spellings of RFC 8252 section 7.3. */
export function isLoopback(uri: string): boolean {
  return withoutPort(uri) !== undefined
}

/** RFC 3986 appendix B, without a fragment. */
const PARTS = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?]*))?([^?]*)(\?.*)?$/
/** Labels of a DNS name or an IPv4 address, or an IPv6 literal, and a port without leading zeros. */
const HOST_AND_PORT = /^([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?$/i
const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' }

/** Returns the URI as the WHATWG parser prints it if it reads the same parts as RFC 3986; undefined without a valid host. */
function expectedHref(uri: string, protocol: string): string | undefined {
  const defaultPort = DEFAULT_PORTS[protocol]
  if (defaultPort === undefined) return uri
  const [, , authority = '', path = '', query = ''] = PARTS.exec(uri) ?? []
  const [, host, port] = HOST_AND_PORT.exec(authority) ?? []
  if (!host) return undefined
  return `${protocol}//${host.toLowerCase()}${port && port !== defaultPort ? `:${port}` : ''}${path || '/'}${query}`
}

/**
 * Returns why parsers could read different hosts or paths from an absolute URI without a fragment; undefined if RFC 3986 and WHATWG
 * URL agree on every part. Rejects what a browser would rewrite: backslashes, dot segments, numeric hosts, missing slashes, and
 * encoded path characters that some servers decode before routing.
 */
export function ambiguityOf(uri: string): string | undefined {
  if (/[^\x21-\x7E]/.test(uri)) return 'contains a space, control or non-ASCII character'
  if (/[\\"<>^`{|}]|%(?![0-9a-f]{2})/i.test(uri)) return 'contains a character that a URI must encode'
  if (!URL.canParse(uri)) return 'is not an absolute URI'
  const { protocol, username, password, href } = new URL(uri)
  if (username || password) return 'contains credentials'
  const [, , authority = '', path = '', query = ''] = PARTS.exec(uri) ?? []
  if (/[[\]]/.test(path + query) || authority.includes('@') || href !== expectedHref(uri, protocol))
    return 'is not in normalized form: parsers read it differently'
  return /%(2e|2f|5c|[01][0-9a-f]|7f)/i.test(path)
    ? 'has an encoded dot, slash, backslash or control character in its path'
    : undefined
}

/**
 * Whether a requested redirect URI is one of the registered ones: simple string comparison, except for the port on loopback
 * (OAuth 2.1 section 2.3.1, RFC 8252 section 7.3). An ambiguous URI never matches.
 */
export function matchesRedirectUri(registered: readonly string[], requested: string): boolean {
  if (ambiguityOf(requested)) return false
  if (registered.includes(requested)) return true
  const loopback = withoutPort(requested)
  return loopback !== undefined && registered.some((one) => withoutPort(one) === loopback)
}

/** The redirect URI for terminals without a local browser: the page that passes the code on, or shows it. */
export const hostedCallback = (issuer: string) => `${issuer}/auth/cli-callback`

/** Whether a URI has a private-use scheme, which opens a program (RFC 8252 section 7.1). */
export const isPrivateUse = (uri: string) => !/^https?:/.test(uri)

/** Returns the part of a redirect URI that people see: its host, or its private-use scheme with the colon. */
export const shownHost = (uri: string) => (isPrivateUse(uri) ? new URL(uri).protocol : new URL(uri).host)

/** Whether a URI leads to a program on the person's own machine (RFC 8252 section 7). */
export const isOnDevice = (uri: string) => isLoopback(uri) || isPrivateUse(uri)

/**
 * Returns why a redirect URI cannot be registered; undefined if it can (OAuth 2.1 section 2.3.1, RFC 8252 sections 7.1 and 8.4).
 * @param schemes allowed private-use schemes without a dot
 */
export function redirectUriProblem(uri: string, schemes: readonly string[] = []): string | undefined {
  if (uri.includes('#')) return 'has a fragment'
  const protocol = URL.canParse(uri) ? new URL(uri).protocol : ''
  if (FORBIDDEN_SCHEMES.has(protocol)) return 'has a forbidden scheme'
  if (protocol === 'http:' && !isLoopback(uri)) return 'is http outside of the loopback interface'
  const ambiguity = ambiguityOf(uri)
  if (ambiguity || /^https?:$/.test(protocol)) return ambiguity
  return protocol.includes('.') || schemes.includes(protocol.slice(0, -1))
    ? undefined
    : 'has a private-use scheme without a dot that is not on the list (RFC 8252 section 7.1, PRIVATE_USE_SCHEMES)'
}
