import { Buttons, CodeField, errorAt, type FormError, FormProblem, SecretCodeField } from './form-parts.tsx'
import { Hidden, Layout, Name, Sentence } from './layout.tsx'
import { words } from './proof-words.ts'
import { safeHref } from './safe.ts'

type StepUpProps = {
  method: 'totp' | 'recovery_code'
  action: string
  csrf: string
  error?: FormError
  backHref: string
  /** The page for the other kind of code. */
  otherHref: string
  returnTo?: string
  email: string
  /** The host of this page, so that people can recognize phishing. */
  host: string
}

/** Asks a signed-in person for a code of their authenticator app, or for a recovery code. */
export function StepUpPage(props: StepUpProps) {
  const { method, action, csrf, returnTo, error, backHref, otherHref, email, host } = props
  const text = words.stepUp[method]
  const Field = method === 'totp' ? CodeField : SecretCodeField
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">
        <Sentence text={text.lead} email={<Name>{email}</Name>} />
      </p>
      <FormProblem error={error} fields={['code']} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, return_to: returnTo }} />
        <Field label={text.code} error={errorAt(error, 'code')} describedBy="guard" />
        <Buttons submit={text.submit} cancel={words.cancel} backHref={backHref} />
        <p class="note" id="guard">
          <Sentence text={words.stepUp.guard} host={<Name>{host}</Name>} />
        </p>
      </form>
      <div class="aside">
        <p>{text.otherLead}</p>
        <a href={safeHref(otherHref)}>{text.other}</a>
      </div>
    </Layout>
  )
}
