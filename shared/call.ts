import { randomUUID } from 'node:crypto'
import type { GatewayError } from './errors.ts'
import type { Gateway } from './gateway.ts'
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

/** The request that a call serves, as far as methods read it. */
export type CallRequest = {
  id: string
  /** Address of the caller as the platform or the configured proxy states it. */
  clientIp?: string
  userAgent?: string
  /** The language among ours that the caller prefers. */
  language?: string
  method: string
  url: string
  /** The canonical path, without a mirror's prefix. */
  path: string
  header(name: string): string | undefined
  /** A part of the path that the route names. */
  param(name: string): string | undefined
  /** Cookies by name, URL-decoded. */
  cookies: Record<string, string>
  text(): Promise<string>
  /** The pairs of the posted body, whatever its type is said to be; nothing about them has been checked. */
  pairs(): Promise<URLSearchParams>
  bytes(): Promise<ArrayBuffer>
}

/** What was learned while the call was served, for the answer, the log and the record of refused requests. */
export type CallNotes = {
  /** The error of the request, also where the answer is a page or `valid: false`. */
  refused?: GatewayError
  /** Who is behind the request, once known. */
  caller?: { uai?: string; clientId?: string; credentialId?: string }
  /** What the sender of a form has put in, for limits that give more for it. */
  effort?: { work?: string; token?: { id: string; madeAt: Date } }
  /** The browser's session cookie opens no session any more, so the answer clears it. */
  sessionIsDead?: boolean
}

/**
 * What every step is called with: the gateway, the request it serves, and the clock. Functions get it from the Hono context
 * (`c.var.call`); scripts, jobs and tests make one with `createCall`.
 */
export type Call = {
  readonly gateway: Gateway
  readonly request: CallRequest
  readonly notes: CallNotes
  /** The time by the database's clock, which all instances share. */
  now(): Date
  /** Lets work finish after the answer has been sent. Failures are logged. */
  later(work: Promise<unknown>): void
  setCookie(name: string, value: string, attributes: CookieAttributes): void
  setHeader(name: string, value: string): void
}

/** Logs a failure of work that no answer waits for. */
export const logFailure = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error) => log.error('work after the answer failed', { error }))

const noResponse = () => {
  throw new Error('this call has no response')
}

/** A call without a request behind it. `settled` waits for the work that steps left for later. */
export function createCall(
  gateway: Gateway,
  request: Partial<CallRequest> = {},
): Call & { settled(): Promise<unknown> } {
  const left: Promise<unknown>[] = []
  return {
    gateway,
    request: {
      ...{ id: randomUUID(), method: 'GET', url: gateway.issuer, path: '/', cookies: {} },
      ...{
        header: () => undefined,
        param: () => undefined,
        text: async () => '',
        pairs: async () => new URLSearchParams(),
        bytes: async () => new ArrayBuffer(),
      },
      ...request,
    },
    notes: {},
    now: gateway.now,
    later: (work) => void left.push(logFailure(work)),
    setCookie: noResponse,
    setHeader: noResponse,
    settled: () => Promise.all(left),
  }
}
