import { createServer as createNodeServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import type { Context } from '@netlify/functions'
import { GatewayError } from '../shared/errors.ts'
import { pathOf } from '../shared/http/canonical-path.ts'
import { isDraining } from '../shared/http/draining.ts'
import { renderError } from '../shared/http/render-error.ts'
import type { FunctionHandler } from '../shared/http/serve.ts'
import { log } from '../shared/log.ts'
import { createMatcher, type Redirect, readRedirects } from './redirects.ts'

const DRAIN_MILLISECONDS = 10_000
const LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 }
const ANYWHERE = 'http://localhost/'

type Functions = ReadonlyMap<string, FunctionHandler>

export type ServerOptions = {
  port: number
  host?: string
  /** Replaces the table in `netlify.toml`. */
  redirects?: Redirect[]
  /** Replaces the files in `netlify/functions`. */
  functions?: Functions
}

export type RunningServer = {
  port: number
  url: string
  /**
   * Stops listening, and resolves when requests and their background work are done, or after ten seconds.
   * @param linger milliseconds during which idle connections may still send a request; each closes after its response
   */
  close(linger?: number): Promise<void>
}

/** Imports the functions that a redirect table names. */
export async function loadFunctions(redirects: Redirect[]): Promise<Functions> {
  const names = [...new Set(redirects.map(({ functionName }) => functionName))]
  const modules = await Promise.all(names.map((name) => import(`./functions/${name}.ts`)))
  return new Map(names.map((name, index) => [name, modules[index].default as FunctionHandler]))
}

function renderUncaught(error: unknown): Response {
  if (error instanceof RequestError) {
    return renderError(new GatewayError('invalid_request', { cause: error }), 'api', new Request(ANYWHERE))
  }
  log.error('a function failed', { error })
  return renderError(error, 'api', new Request(ANYWHERE))
}

/** Adds `Content-Length: 0` to a request without a body; HTTP/1.1 lets the sender omit it (RFC 9112 section 6.3). */
function addContentLength({ headers, rawHeaders }: IncomingMessage): void {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
    rawHeaders.push('Content-Length', '0')
}

/** Whether a request has several Host headers, among which proxies and servers choose differently (RFC 9112 section 3.2). */
const namesSeveralHosts = ({ rawHeaders }: IncomingMessage) =>
  rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length > 1

function createListener(redirects: Redirect[], functions: Functions, background: Set<Promise<unknown>>) {
  const match = createMatcher(redirects)
  const waitUntil = (work: Promise<unknown>) => {
    const tracked = work.catch((error) => log.error('background work failed', { error }))
    background.add(tracked)
    tracked.finally(() => background.delete(tracked))
  }
  return getRequestListener(
    async (request, bindings) => {
      const { incoming, outgoing } = bindings as HttpBindings
      const { socket } = incoming
      if (namesSeveralHosts(incoming)) return renderError(new GatewayError('invalid_request'), 'api', request)
      addContentLength(incoming)
      if (isDraining()) outgoing.shouldKeepAlive = false
      const handle = functions.get(match(pathOf(request.url).replace(/\/{2,}/g, '/')) ?? '')
      if (!handle) throw new GatewayError('route_not_found')
      const breakOff = () => void outgoing.destroy()
      const context = { ip: socket.remoteAddress ?? '', params: {}, geo: {}, waitUntil, breakOff }
      return handle(request, context as unknown as Context)
    },
    { errorHandler: renderUncaught },
  )
}

async function drain(server: Server, background: Set<Promise<unknown>>, linger: number): Promise<void> {
  // `close` of an HTTP server ends idle connections immediately, even when a request is already in flight on one.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
  const timers = new AbortController()
  const done = async () => {
    await Promise.race([closed, sleep(linger, undefined, timers)])
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    server.closeIdleConnections()
    await closed.finally(() => clearInterval(idle))
    await Promise.all(background)
  }
  await Promise.race([done(), sleep(DRAIN_MILLISECONDS + linger, undefined, timers)])
  timers.abort()
  server.closeAllConnections()
}

/**
 * Serves every function behind one listener, routed by the redirect table of `netlify.toml` as on Netlify.
 * @param options `port` 0 picks a free port; `host` defaults to loopback.
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? '127.0.0.1'
  const redirects = options.redirects ?? readRedirects(new URL('../netlify.toml', import.meta.url))
  const functions = options.functions ?? (await loadFunctions(redirects))
  const background = new Set<Promise<unknown>>()
  const server = createNodeServer(LIMITS, createListener(redirects, functions, background))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: (linger = 0) => drain(server, background, linger),
  }
}
