import { config } from '../../shared/config.ts'
import type { GatewayError } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { copy, errorText, fill, inLanguage } from './copy.ts'
import { ButtonLink, Form, Submit } from './form-parts.tsx'
import { Fact, Layout, Sentence } from './layout.tsx'
import { renderPage } from './render.ts'
import { safeHref } from './safe.ts'
import { Wait } from './wait.tsx'

/** The heading of an error. */
function titleOf({ refusal, status }: GatewayError): string {
  const { titles } = copy.error
  if (refusal === 'csrf_invalid') return titles.expired
  if (status === 403) return titles.forbidden
  if (status === 404) return titles.missing
  if (status === 429) return titles.tooMany
  if (status === 503) return titles.unavailable
  return status >= 500 ? titles.failed : titles.refused
}

/** What the person can do about it. */
function hintOf({ refusal, options: { onward } }: GatewayError): string | undefined {
  if (onward) return fill(copy.error.onward, { host: onward.host }).join('')
  if (refusal === 'invalid_redirect_uri') return copy.error.redirectUri
  return refusal === 'account_suspended' ? copy.error.suspended : undefined
}

/** Renders an error as a page, in the language of the request. */
export const errorPage = (error: GatewayError, c: AppContext): Promise<Response> =>
  inLanguage(c, async () => pageOf(error, c))

function pageOf(error: GatewayError, c: AppContext): Response {
  const { headers, retryAfter, onward, next } = error.options
  return renderPage(
    <ErrorPage
      title={titleOf(error)}
      message={errorText(error)}
      wait={retryAfter}
      code={error.code}
      requestId={c.var.call.request.id}
      hint={hintOf(error)}
      actionHref={onward?.href ?? next?.href ?? `${config().AUTH_BASE_URL}/web/login`}
      actionLabel={
        onward ? fill(copy.error.continueTo, { host: onward.host }).join('') : (next?.label ?? copy.error.signIn)
      }
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

type ErrorProps = {
  title: string
  message: string
  /** Seconds until a retry is allowed. */
  wait?: number
  /** The catalogue's code, such as `INVALID_REQUEST`. */
  code: string
  requestId: string
  /** What the person can do about it. */
  hint?: string
  actionHref?: string
  actionLabel?: string
  /** Whether the button leads into an app, by its own scheme. */
  opensApp?: boolean
  /** Fields that the button posts to `actionHref`; without them it is a link. */
  actionFields?: Record<string, string>
  supportHref?: string
}

/** Explains an error that ends a flow: first for the person, then with details for support. */
export function ErrorPage(props: ErrorProps) {
  const { title, message, code, requestId, hint, actionLabel, actionFields } = props
  const href = safeHref(props.actionHref, props.opensApp ? 'app' : 'web')
  return (
    <Layout title={title} heading={false} failed>
      <div role="alert">
        <h1>{title}</h1>
        <p>
          {message}
          {props.wait !== undefined && <Wait seconds={props.wait} />}
        </p>
      </div>
      {hint && <p class="lead">{hint}</p>}
      {href && actionLabel && actionFields && (
        <Form action={href} hidden={actionFields}>
          <Submit text={actionLabel} />
        </Form>
      )}
      {href && actionLabel && !actionFields && <ButtonLink kind="primary" href={href} text={actionLabel} />}
      <Support href={props.supportHref} text={copy.error.support} />
      <dl class="aside pairs">
        <Fact term={copy.error.code} mono>
          {code}
        </Fact>
        <Fact term={copy.error.reference} mono>
          {requestId}
        </Fact>
      </dl>
    </Layout>
  )
}

/** Inserts the support contact for `{support}`. */
export function Support({ href, text }: { href?: string; text: string }) {
  if (href === undefined) return null
  const { protocol, host, pathname } = new URL(href)
  const name = protocol === 'mailto:' ? decodeURIComponent(pathname) : `${host}${pathname.replace(/\/$/, '')}`
  return (
    <p class="aside">
      <Sentence text={text} support={<a href={href}>{name}</a>} />
    </p>
  )
}
