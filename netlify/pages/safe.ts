const nameLimit = 60

/**
 * Makes a name that someone else chose safe for a heading: no control, direction-changing or blank
 * characters (joiners stay: Persian and emoji need them), single spaces, and at most 60 characters. Returns `fallback` when nothing visible is left.
 */
export function displayName(name: string, fallback: string): string {
  const invisible = /[\p{Cc}\p{Zl}\p{Zp}\u{115F}\u{1160}\u{3164}\u{FFA0}]|(?![\u{200C}\u{200D}])\p{Cf}/gu
  const visible = /[\p{L}\p{N}\p{P}\p{S}]/u
  const characters = [...name.replace(invisible, ' ').replace(/\s+/g, ' ').trim()]
  if (!characters.some((character) => visible.test(character))) return fallback
  return characters.length > nameLimit ? `${characters.slice(0, nameLimit - 1).join('')}…` : characters.join('')
}

/**
 * Returns `href` when following it cannot run code, otherwise undefined: http, https, or a path on this origin.
 * `schemes: 'app'` also lets private-use schemes such as `vscode:` pass (RFC 8252 section 7.1).
 */
export function safeHref(href: string | undefined, schemes: 'web' | 'app' = 'web'): string | undefined {
  if (!href) return undefined
  const scheme = schemeOf(href)
  if (scheme === undefined) return isLocalPath(href) ? href : undefined
  if (scheme === 'http:' || scheme === 'https:') return href
  return schemes === 'app' && !isActiveScheme(scheme) ? href : undefined
}

/**
 * Returns the Content-Security-Policy sources that let a form's answer redirect to `uri` (a redirect URI, an origin, or
 * a bare scheme such as `vscode:`). Chromium holds `form-action` against every later hop as well, also the client's own,
 * so a web or loopback client gets all of https. Hosts that cannot be written as a source (IPv6 literals, a `;`) become their scheme.
 */
export function formActionSources(uri: string): string[] {
  const scheme = schemeOf(uri)
  if (scheme === undefined || isActiveScheme(scheme)) return []
  if (scheme === 'https:') return ['https:']
  if (scheme !== 'http:') return [scheme]
  if (!URL.canParse(uri)) return []
  const { hostname, origin } = new URL(uri)
  return [/^[a-z0-9.-]+$/.test(hostname) ? origin : 'http:', 'https:']
}

function schemeOf(uri: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:$/i.test(uri)) return uri.toLowerCase()
  return URL.canParse(uri) ? new URL(uri).protocol : undefined
}

const isActiveScheme = (scheme: string) =>
  /^(javascript|data|vbscript|file|blob|filesystem|about|view-source):$/.test(scheme)

function isLocalPath(href: string): boolean {
  return URL.canParse(href, 'https://here.invalid') && /^[/?#](?![/\\])/.test(href) && !/[\t\r\n]/.test(href)
}
