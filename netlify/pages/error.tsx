import { copy } from './copy.ts'
import { Hidden, Layout } from './layout.tsx'
import { safeHref } from './safe.ts'
import { Support } from './support.tsx'
import { Wait } from './wait.tsx'

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
  const { title, message, code, requestId, hint, actionHref, actionLabel, actionFields } = props
  const href = safeHref(actionHref, props.opensApp ? 'app' : 'web')
  return (
    <Layout title={title} failed>
      <div role="alert">
        <h1>{title}</h1>
        <p>
          {message}
          {props.wait !== undefined && <Wait seconds={props.wait} />}
        </p>
      </div>
      {hint && <p class="lead">{hint}</p>}
      {href && actionLabel && actionFields && (
        <form method="post" action={href}>
          <Hidden fields={actionFields} />
          <button class="button primary" type="submit">
            {actionLabel}
          </button>
        </form>
      )}
      {href && actionLabel && !actionFields && (
        <a class="button primary" href={href}>
          {actionLabel}
        </a>
      )}
      <Support href={props.supportHref} text={copy.error.support} />
      <dl class="aside pairs">
        <div>
          <dt>{copy.error.code}</dt>
          <dd class="mono">{code}</dd>
        </div>
        <div>
          <dt>{copy.error.reference}</dt>
          <dd class="mono">{requestId}</dd>
        </div>
      </dl>
    </Layout>
  )
}
