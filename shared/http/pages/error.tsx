import { copy } from './copy.ts'
import { Layout } from './layout.tsx'
import { safeHref } from './safe.ts'

type ErrorProps = {
  title: string
  message: string
  /** The catalogue's code, such as `INVALID_REQUEST`. */
  code: string
  requestId: string
  /** What the person can do about it. */
  hint?: string
  actionHref?: string
  actionLabel?: string
  /** Whether the button leads into an app, by its own scheme. */
  opensApp?: boolean
}

/** Says what went wrong on a page that cannot continue, in words first and for support below. */
export function ErrorPage({ title, message, code, requestId, hint, actionHref, actionLabel, opensApp }: ErrorProps) {
  const href = safeHref(actionHref, opensApp ? 'app' : 'web')
  return (
    <Layout title={title} failed>
      <div role="alert">
        <h1>{title}</h1>
        <p>{message}</p>
      </div>
      {hint && <p class="lead">{hint}</p>}
      {href && actionLabel && (
        <a class="button primary" href={href}>
          {actionLabel}
        </a>
      )}
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
