import type { LookupAddress, lookup } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import { isHttps } from '../config.ts'

type GuardedFetchOptions = {
  maxBytes: number
  /** Total time, from name resolution to the last byte; three seconds by default. */
  timeoutMs?: number
  /** Value of the `Accept` header; JSON by default. */
  accept?: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Allows http and loopback addresses; by default, for a gateway that runs on loopback itself. */
  allowLoopback?: boolean
}

export type Fetched = {
  status: number
  contentType: string
  headers: Record<string, string>
  body: Buffer
  /** Seconds the response may be cached, if stated; 0 if it must not be. */
  maxAge?: number
}

/**
 * Why a fetch failed. `refused`: the URL itself is not allowed, or the response was too long; a retry will not help. A name that
 * resolves to a private address looks the same as one that does not respond, so that callers cannot discover internal names;
 * `cause` has the difference.
 */
export class GuardedFetchError extends Error {
  override readonly name = 'GuardedFetchError'
  constructor(
    readonly kind: 'refused' | 'failed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

const refuse = (message: string) => new GuardedFetchError('refused', message)
const fail = (cause: unknown) => new GuardedFetchError('failed', 'the URL could not be fetched', { cause })

type IsAllowed = (address: string) => boolean

/** Resolves a name and returns its addresses only if all are public, so that the checked address is the one connected to. */
function guardedLookup(resolve: typeof lookup, isAllowed: IsAllowed): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { all: true, verbatim: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 4)
      const [first] = addresses
      if (!first || !addresses.every(({ address }) => isAllowed(address)))
        return callback(fail(new Error('the name resolves to a non-public address')), '', 4)
      if (options.all) return callback(null, addresses)
      return callback(null, first.address, first.family)
    })
  }
}

function checkUrl(text: string, allowLoopback: boolean, isAllowed: IsAllowed): URL {
  if (!URL.canParse(text)) throw refuse('not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowLoopback && url.protocol === 'http:')) throw refuse('not https')
  if (url.username || url.password) throw refuse('credentials in the URL')
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) && !isAllowed(literal)) throw refuse('non-public address')
  return url
}

async function read(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += chunk.length
    if (length > maxBytes) {
      response.destroy()
      throw refuse(`more than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function maxAgeOf(control: string | undefined): number | undefined {
  if (!control) return undefined
  if (/\bno-(store|cache)\b/i.test(control)) return 0
  const seconds = /\bmax-age=(\d{1,9})/i.exec(control)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

/** Loads Node's HTTP client on demand: most functions never need it, and it takes a fifth of a cold start. */
const loadClient = ({ protocol }: URL) =>
  Promise.all([import('node:dns'), protocol === 'https:' ? import('node:https') : import('node:http')])

/**
 * Fetches an untrusted URL: https only, no redirects, only public addresses, connected to the checked address (no DNS rebinding),
 * with limits on size and time.
 * @throws GuardedFetchError
 * @see OWASP Server-Side Request Forgery Prevention; draft-ietf-oauth-client-id-metadata-document section 6.5
 */
export async function guardedFetch(address: string, options: GuardedFetchOptions): Promise<Fetched> {
  const { maxBytes, timeoutMs = 3000, accept = 'application/json', allowLoopback = !isHttps() } = options
  const { isPublicAddress } = await import('./public-address.ts')
  const isAllowed = (one: string) => isPublicAddress(one, allowLoopback)
  const url = checkUrl(address, allowLoopback, isAllowed)
  const [dns, { request: send }] = await loadClient(url)
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const own = { Accept: accept, 'Accept-Encoding': 'identity', 'User-Agent': 'lanonasis-auth-gateway' }
      const headers = { ...options.headers, ...own }
      const { method, body } = options
      const request = send(
        url,
        { method, agent: false, headers, signal, lookup: guardedLookup(dns.lookup, isAllowed) },
        resolve,
      )
      request.on('error', reject)
      request.end(body)
    })
    const { statusCode = 0, headers } = response
    const contentType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    const body = await read(response, maxBytes)
    const said = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])
    const maxAge = maxAgeOf(headers['cache-control'])
    return { status: statusCode, contentType, headers: Object.fromEntries(said), body, maxAge }
  } catch (error) {
    if (error instanceof GuardedFetchError) throw error
    throw fail(error)
  }
}
