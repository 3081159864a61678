import { getCookie, setCookie } from 'hono/cookie'
import { plainAddress } from '../addresses.ts'
import { type Call, logFailure } from '../call.ts'
import { config } from '../config.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { newId } from '../ids.ts'
import type { AppContext } from './app.ts'
import { languageOf } from './language.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

let find: () => Gateway | undefined = () => undefined

/** Registers the gateway for calls. Its module does so when loaded, so that apps without a database do not load it. */
export function serveCallsFrom(gateway: () => Gateway | undefined): void {
  find = gateway
}

/** Whether a gateway is registered and its database has been inspected. */
export const hasGateway = (): boolean => find() !== undefined

/**
 * Returns the caller's address: the platform's, or, if CLIENT_IP_HEADER is configured, the last address in that header.
 * No other forwarding header is trusted.
 */
function clientAddress(request: Request, platformAddress: string | undefined): string | undefined {
  const header = config().CLIENT_IP_HEADER
  const forwarded = header ? request.headers.get(header)?.split(',').at(-1)?.trim() : undefined
  return plainAddress(forwarded) ?? plainAddress(platformAddress)
}

/** Returns the call of a request, created once. The gateway is resolved on use, since some routes are served without one. */
export function callOf(c: AppContext): Call {
  const { req } = c
  const netlify = c.env?.netlify
  const given = req.header('x-request-id')
  let pairs: URLSearchParams | undefined
  const call: Call = {
    get gateway() {
      const gateway = find()
      if (!gateway) throw new GatewayError('service_unavailable', { reason: 'not_open', retryAfter: 2 })
      return gateway
    },
    request: {
      id: given && UUID.test(given) ? given.toLowerCase() : newId(),
      clientIp: clientAddress(req.raw, netlify?.ip),
      userAgent: req.header('user-agent')?.slice(0, 512),
      get language() {
        return languageOf(c)
      },
      method: req.method,
      url: req.url,
      path: req.path,
      header: (name) => req.header(name),
      param: (name) => req.param(name),
      get cookies() {
        return getCookie(c)
      },
      text: () => req.text(),
      pairs: async () => (pairs ??= new URLSearchParams(await req.text())),
      bytes: () => req.arrayBuffer(),
    },
    notes: {},
    now: () => call.gateway.now(),
    later: (work) => {
      const safe = logFailure(work)
      netlify?.waitUntil?.(safe)
    },
    setCookie: (name, value, attributes) => setCookie(c, name, value, attributes),
    setHeader: (name, value) => c.header(name, value),
  }
  return call
}
