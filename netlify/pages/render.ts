import type { JSX } from 'hono/jsx/jsx-runtime'
import { formActionSources } from './safe.ts'
import { scriptSources } from './script.ts'
import { stylesheetSource } from './style.ts'

type PageOptions = {
  /** HTTP status, 200 unless given. */
  status?: number
  /** Redirect URIs, origins or schemes, other than this origin, that this page's forms may redirect to. */
  formAction?: string[]
  /** Content-Security-Policy source of a script that is not one of `scriptElement`. */
  script?: string
  /** Origin that the script may call. Default: none. */
  connect?: string
  /** More headers, such as several `Set-Cookie` entries; they cannot weaken the ones set here. */
  headers?: HeadersInit
}

/**
 * Turns a page into a response that is never cached or framed, runs no script but ours, and sends no Referer
 * (OAuth 2.1 section 7.11, RFC 9700 sections 4.2.4 and 4.16).
 *
 * `no-referrer` makes browsers send `Origin: null` with the page's own form posts: check CSRF by token and
 * `Sec-Fetch-Site`, not by `Origin`.
 */
export function renderPage(page: JSX.Element, options: PageOptions = {}): Response {
  const headers = new Headers(options.headers)
  headers.set('Content-Type', 'text/html; charset=utf-8')
  headers.set('Cache-Control', 'no-store')
  const html = `<!doctype html>${page}`
  const scripts = [...scriptSources(html), ...(options.script ? [options.script] : [])].join(' ')
  headers.set('Content-Security-Policy', contentSecurityPolicy({ ...options, script: scripts }))
  headers.set('X-Frame-Options', 'DENY')
  headers.set('Referrer-Policy', 'no-referrer')
  headers.set('X-Content-Type-Options', 'nosniff')
  return new Response(html, { status: options.status ?? 200, headers })
}

/** Returns the Content-Security-Policy of a page whose form answers may redirect to `formAction`, besides this origin. */
export function contentSecurityPolicy({
  formAction = [],
  script,
  connect,
}: Pick<PageOptions, 'formAction' | 'script' | 'connect'> = {}): string {
  const targets = new Set(["'self'", ...formAction.flatMap(formActionSources)])
  return [
    "default-src 'none'",
    `style-src ${stylesheetSource()}`,
    ...(script ? [`script-src ${script}`] : []),
    ...(connect ? [`connect-src ${connect}`] : []),
    "img-src 'self' data:",
    `form-action ${[...targets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}
