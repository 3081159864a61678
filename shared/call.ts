import type { GatewayError } from './errors.ts'
import type { Gateway } from './gateway.ts'
import { newId } from './ids.ts'
import { log } from './log.ts'

/** Attributes of a cookie (RFC 6265 section 4.1.2); `maxAge` in seconds. */
export type CookieAttributes = {
  path?: string
  domain?: string
  maxAge?: number
  secure?: boolean
  httpOnly?: boolean
  sameSite?: 'Strict' | 'Lax' | 'None'
}

/** The request of a call, as far as methods read it. */
export type CallRequest = {
  id: string
  /** Address of the caller, from the platform or the configured proxy. */
  clientIp?: string
  userAgent?: string
  /** The supported language that the caller prefers. */
  language?: string
  method: string
  url: string
  /** The canonical path, without a mirror's prefix. */
  path: string
  header(name: string): string | undefined
  /** A named parameter of the route's path. */
  param(name: string): string | undefined
  /** Cookies by name, URL-decoded. */
  cookies: Record<string, string>
  text(): Promise<string>
  /** The unchecked pairs of the posted body, whatever its Content-Type. */
  pairs(): Promise<URLSearchParams>
  bytes(): Promise<ArrayBuffer>
}

/** Notes made while the call is served, for the response, the log and the record of refused requests. */
type CallNotes = {
  /** The error of the request, even if the response is a page or `valid: false`. */
  refused?: GatewayError
  /** The authenticated caller, once known. */
  caller?: { uai?: string; clientId?: string; credentialId?: string }
  /** The effort of a form's sender, which raises some limits. */
  effort?: { work?: string; token?: { id: string; madeAt: Date } }
  /** The route is a page, whatever its function is otherwise: its errors are pages too. */
  isPage?: boolean
  /** The browser's session has ended, so the response clears its cookie. */
  sessionIsDead?: boolean
}

/**
 * The context of every step: the gateway, the request, and the clock. Functions get it from the Hono context (`c.var.call`); scripts,
 * jobs and tests create one with `createCall`.
 */
export type Call = {
  readonly gateway: Gateway
  readonly request: CallRequest
  readonly notes: CallNotes
  /** The time by the database's clock, which all instances share. */
  now(): Date
  /** Lets work finish after the response has been sent. Failures are logged. */
  later(work: Promise<unknown>): void
  setCookie(name: string, value: string, attributes: CookieAttributes): void
  setHeader(name: string, value: string): void
}

/** Logs a failure of background work. */
export const logFailure = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error) => log.error('background work failed', { error }))

const noResponse = () => {
  throw new Error('this call has no response')
}

/** Creates a call without a request. Its background work starts at once; setting a cookie or header throws. */
export function createCall(gateway: Gateway, request: Partial<CallRequest> = {}): Call {
  const none = { header: () => undefined, param: () => undefined, text: async () => '' }
  return {
    gateway,
    request: {
      ...{ id: newId(), method: 'GET', url: gateway.issuer, path: '/', cookies: {}, ...none },
      ...{ pairs: async () => new URLSearchParams(), bytes: async () => new ArrayBuffer(), ...request },
    },
    notes: {},
    now: gateway.now,
    later: (work) => void logFailure(work),
    setCookie: noResponse,
    setHeader: noResponse,
  }
}
