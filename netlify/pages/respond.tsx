import { config } from '../../shared/config.ts'
import type { GatewayError, Refusal } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { copy, fill } from './copy.ts'
import { ErrorPage } from './error.tsx'
import { renderPage } from './render.ts'

const TITLES: Record<number, string> = {
  403: 'Not allowed',
  404: 'Page not found',
  429: 'Too many attempts',
  503: 'Not available right now',
}

/** What the person can do about it. */
const HINTS: Partial<Record<Refusal, string>> = {
  invalid_redirect_uri: 'The application sent an address to return to that it has not registered. Ask its developer.',
  account_suspended: copy.error.suspended,
}

/** Renders an error as a page. */
export function errorPage(error: GatewayError, c: AppContext): Response {
  const { headers, retryAfter, onward, next } = error.options
  return renderPage(
    <ErrorPage
      title={
        error.refusal === 'csrf_invalid'
          ? 'This form has expired'
          : (TITLES[error.status] ?? (error.status >= 500 ? 'Something went wrong' : 'This request cannot continue'))
      }
      message={retryAfter === undefined ? error.message : error.summary}
      wait={retryAfter}
      code={error.code}
      requestId={c.var.call.request.id}
      hint={onward ? fill(copy.error.onward, { host: onward.host }).join('') : HINTS[error.refusal]}
      actionHref={onward?.href ?? next?.href ?? `${config().AUTH_BASE_URL}/web/login`}
      actionLabel={onward ? fill(copy.error.goOn, { host: onward.host }).join('') : (next?.label ?? 'Go to sign-in')}
      opensApp={onward !== undefined}
      actionFields={onward?.fields}
      supportHref={config().SUPPORT_URL}
    />,
    {
      status: error.status,
      formAction: onward?.fields && [onward.href],
      headers: { ...headers, ...(retryAfter && { 'Retry-After': String(Math.ceil(retryAfter)) }) },
    },
  )
}
