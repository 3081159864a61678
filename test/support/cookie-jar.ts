type SameSite = 'strict' | 'lax' | 'none'
type Attributes = { sameSite: SameSite; secure: boolean; expiresAt: number | undefined }

/** Where a request comes from, and how: what decides which cookies go along (RFC 6265bis section 5.6.7). */
export type Sender = {
  /** Origin of the page behind the request; undefined where the person typed the address. */
  initiator?: string
  method: string
  /** Whether the address bar follows. */
  topLevel: boolean
}

const siteOf = (origin: string) => {
  const { protocol, hostname } = new URL(origin)
  const registrable = /^[\d.]+$|^\[/.test(hostname) ? hostname : hostname.split('.').slice(-2).join('.')
  return `${protocol}//${registrable}`
}

export const isSameSite = (one: string, other: string) => siteOf(one) === siteOf(other)

/** Chromium counts loopback as trustworthy, also over http. */
const isTrustworthy = ({ protocol, hostname }: URL) =>
  protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1'

/**
 * The cookies that one browser keeps for the gateway's host, by name. It obeys SameSite, Secure, the rules of `__Host-`, Max-Age by
 * `Date.now()`, and limits of size, as Chromium does.
 */
export class CookieJar extends Map<string, string> {
  readonly #attributes = new Map<string, Attributes>()
  /** Stores nothing, as a browser that blocks cookies. */
  blocked = false

  /** Keeps what a response sets. */
  store(lines: string[], url: string, { initiator, topLevel }: Sender): void {
    if (this.blocked) return
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const attribute = (key: string) => new RegExp(`;\\s*${key}(?:=([^;]*))?(?:;|$)`, 'i').exec(line)
      const secure = attribute('secure') !== null
      const sameSite = (attribute('samesite')?.[1]?.toLowerCase() ?? 'lax') as SameSite
      const maxAge = attribute('max-age')?.[1]
      const hostOnly = attribute('domain') === null && attribute('path')?.[1] === '/'
      const foreign = initiator !== undefined && !isSameSite(initiator, url)
      if (secure && !isTrustworthy(new URL(url))) continue
      if (sameSite === 'none' && !secure) continue
      if (name.startsWith('__Host-') && !(secure && hostOnly)) continue
      if (name.length + value.length > 4096) continue
      if (foreign && !topLevel && sameSite !== 'none') continue
      if (maxAge !== undefined && Number(maxAge) <= 0) this.delete(name)
      else {
        this.set(name, value)
        const expiresAt = maxAge === undefined ? undefined : Date.now() + Number(maxAge) * 1000
        this.#attributes.set(name, { sameSite, secure, expiresAt })
      }
    }
  }

  /** The `Cookie` header of a request; undefined when none goes along. */
  header(url: string, { initiator, method, topLevel }: Sender): string | undefined {
    const foreign = initiator !== undefined && !isSameSite(initiator, url)
    const goesAlong = (name: string) => {
      const { sameSite = 'lax', secure = false, expiresAt } = this.#attributes.get(name) ?? {}
      if (expiresAt !== undefined && expiresAt <= Date.now()) {
        this.delete(name)
        return false
      }
      if (secure && !isTrustworthy(new URL(url))) return false
      if (!foreign || sameSite === 'none') return true
      return sameSite === 'lax' && topLevel && method === 'GET'
    }
    const sent = [...this].filter(([name]) => goesAlong(name))
    return sent.length > 0 ? sent.map(([name, value]) => `${name}=${value}`).join('; ') : undefined
  }

  override delete(name: string): boolean {
    this.#attributes.delete(name)
    return super.delete(name)
  }

  /** Deletes what a closed browser forgets: cookies without an expiry. */
  forgetSession(): void {
    for (const name of [...this.keys()]) if (this.#attributes.get(name)?.expiresAt === undefined) this.delete(name)
  }
}
