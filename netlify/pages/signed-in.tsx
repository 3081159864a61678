import { copy } from './copy.ts'
import { Hidden, Layout } from './layout.tsx'
import { safeHref } from './safe.ts'

type SignedInProps = {
  email: string
  uai: string
  dashboardHref?: string
  /** Where the form posts `csrf`. */
  signOutAction: string
  csrf: string
}

/** Shows a signed-in person without `return_to` who they are. */
export function SignedInPage({ email, uai, dashboardHref, signOutAction, csrf }: SignedInProps) {
  const text = copy.signedIn
  const href = safeHref(dashboardHref)
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <dl class="facts">
        <div>
          <dt>{text.account}</dt>
          <dd>
            <bdi>{email}</bdi>
          </dd>
        </div>
        <div>
          <dt>{text.uai}</dt>
          <dd class="mono">{uai}</dd>
        </div>
      </dl>
      <form method="post" action={signOutAction} class="actions">
        {href && (
          <a class="button primary" href={href}>
            {text.dashboard}
          </a>
        )}
        <Hidden fields={{ csrf }} />
        <button class="button" type="submit">
          {text.signOut}
        </button>
      </form>
    </Layout>
  )
}
