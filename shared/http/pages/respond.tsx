import { config } from '../../config.ts'
import type { GatewayError } from '../../errors.ts'
import { type App, type AppContext, type AppOptions, createApp } from '../app.ts'
import { ErrorPage } from './error.tsx'
import { renderPage } from './render.ts'

const TITLES: Record<number, string> = {
  403: 'Not allowed',
  404: 'Page not found',
  429: 'Too many attempts',
  503: 'Not available right now',
}

/** A refusal as a page for people. */
export function errorPage(error: GatewayError, c: AppContext): Response {
  const { headers, retryAfter } = error.options
  const loopback = error.refusal === 'invalid_redirect_uri'
  return renderPage(
    <ErrorPage
      title={
        error.refusal === 'csrf_invalid'
          ? 'This form has expired'
          : (TITLES[error.status] ?? (error.status >= 500 ? 'Something went wrong' : 'This request cannot continue'))
      }
      message={error.message}
      code={error.code}
      requestId={c.get('requestId')}
      hint={
        loopback
          ? 'The application sent an address to return to that it has not registered. Ask its developer.'
          : undefined
      }
      actionHref={`${config().AUTH_BASE_URL}/web/login`}
      actionLabel="Go to sign-in"
    />,
    {
      status: error.status,
      headers: { ...headers, ...(retryAfter && { 'Retry-After': String(Math.ceil(retryAfter)) }) },
    },
  )
}

/** An app whose refusals are pages for people. */
export function createPageApp(options: Pick<AppOptions, 'around'> = {}): App {
  return createApp('page', { errorPage, ...options })
}
