import { copy } from './copy.ts'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Name, Sentence } from './layout.tsx'
import { safeHref } from './safe.ts'

type ConfirmSignOutProps = {
  /** Where the form posts `csrf` and the `hidden` fields. */
  action: string
  csrf: string
  email: string
  returnHref?: string
  /** The host there. */
  returnHost?: string
  hidden: Record<string, string | undefined>
  error?: FormError
}

/** Asks for confirmation before ending a session without a valid hint (OpenID Connect RP-Initiated Logout 1.0 section 2). */
export function ConfirmSignOutPage(props: ConfirmSignOutProps) {
  const { action, csrf, email, returnHref, returnHost, hidden, error } = props
  const text = copy.confirmSignOut
  const href = safeHref(returnHref, 'app')
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">
        <Sentence text={text.lead} email={<Name>{email}</Name>} />
      </p>
      {returnHost && (
        <p class="note">
          <Sentence text={text.afterwards} host={<Name>{returnHost}</Name>} />
        </p>
      )}
      <FormProblem error={error} />
      <form method="post" action={action} class="actions">
        <Hidden fields={{ ...hidden, csrf }} />
        <button class="button primary" type="submit">
          {text.submit}
        </button>
        {href && (
          <a class="button" href={href}>
            {text.stay}
          </a>
        )}
      </form>
    </Layout>
  )
}
