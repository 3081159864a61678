import { copy } from './copy.ts'
import { Buttons, CodeField, Form, type FormError, FormProblem, SecretCodeField } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { PasskeyForm } from './passkey.tsx'
import { safeHref } from './safe.ts'

type StepUpProps = {
  method: 'totp' | 'recovery_code'
  action: string
  csrf: string
  error?: FormError
  backHref: string
  /** The page for the other kind of code. */
  otherHref: string
  /** Where a passkey is presented, and the options to ask for it, if the person has one. */
  passkey?: { action: string; options: object }
  /** Whether a code is accepted. */
  byCode: boolean
  need?: string
  returnTo?: string
  email: string
  /** The host of this page, so that people can recognize phishing. */
  host: string
}

/** Asks a signed-in person for a passkey or a code of their authenticator app, or for a recovery code. */
export function StepUpPage(props: StepUpProps) {
  const { method, action, csrf, returnTo, error, backHref, otherHref, email, host, passkey, byCode } = props
  const text = copy.factors.stepUp[method]
  const [Field, label] =
    method === 'totp' ? [CodeField, copy.factors.code] : [SecretCodeField, copy.factors.stepUp.recoveryCode]
  const hidden = { return_to: returnTo, need: props.need }
  const leadText = passkey ? copy.factors.stepUp.passkey.lead : text.lead
  const lead = <Sentence text={leadText} email={<Name>{email}</Name>} />
  return (
    <Layout form={byCode} title={text.title} lead={lead} failed={Boolean(error)}>
      {(!byCode || error?.field === 'form') && <FormProblem error={error} />}
      {passkey && (
        <PasskeyForm
          {...{ ...passkey, csrf, hidden }}
          kind="get"
          primary
          text={copy.factors.stepUp.passkey.submit}
          failed={copy.passkeys.use.failed}
        />
      )}
      {passkey && !byCode && (
        <p class="caution" data-without-passkeys="">
          {copy.passkeys.use.impossible}
        </p>
      )}
      {byCode && (
        <Form
          main
          action={action}
          csrf={csrf}
          hidden={hidden}
          error={error}
          fields={['code', 'form']}
          class={passkey && 'aside'}
        >
          <Field label={label} error={error} describedBy="guard" />
          <Buttons submit={copy.factors.stepUp.submit} backHref={backHref} />
          <p class="note" id="guard">
            <Sentence text={copy.factors.stepUp.guard} host={<Name>{host}</Name>} />
          </p>
        </Form>
      )}
      <div class="aside">
        <p>{passkey ? copy.factors.stepUp.passkey.otherLead : text.otherLead}</p>
        <a href={safeHref(otherHref)}>{text.other}</a>
      </div>
    </Layout>
  )
}
