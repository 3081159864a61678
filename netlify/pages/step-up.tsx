import { words } from './factor-words.ts'
import { Buttons, CodeField, Form, type FormError, SecretCodeField } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
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
  const [Field, label] = method === 'totp' ? [CodeField, words.code] : [SecretCodeField, words.stepUp.recoveryCode]
  const lead = <Sentence text={text.lead} email={<Name>{email}</Name>} />
  return (
    <Layout title={text.title} lead={lead} failed={Boolean(error)}>
      <Form action={action} csrf={csrf} hidden={{ return_to: returnTo }} error={error} fields={['code']}>
        <Field label={label} error={error} describedBy="guard" />
        <Buttons submit={words.stepUp.submit} backHref={backHref} />
        <p class="note" id="guard">
          <Sentence text={words.stepUp.guard} host={<Name>{host}</Name>} />
        </p>
      </Form>
      <div class="aside">
        <p>{text.otherLead}</p>
        <a href={safeHref(otherHref)}>{text.other}</a>
      </div>
    </Layout>
  )
}
