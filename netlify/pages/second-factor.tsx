import { copy } from './copy.ts'
import { Choice, CodeField, Form, type FormError, SecretCodeField, Submit } from './form-parts.tsx'
import { Layout } from './layout.tsx'
import { safeHref } from './safe.ts'

type Props = {
  kind: 'totp' | 'recovery_code'
  action: string
  csrf: string
  error?: FormError
  /** Whether the person may choose not to be asked again in this browser. */
  mayRemember: boolean
  /** The page for the other kind of code. */
  otherHref?: string
  /** Where a person with a passkey signs in with that instead. */
  passkeyHref?: string
  startOverHref: string
}

/** Asks for the second factor of a sign-in: a code of the authenticator app, or a recovery code. */
export function SecondFactorPage({ kind, mayRemember, otherHref, passkeyHref, startOverHref, ...form }: Props) {
  const { error } = form
  const text = copy.factors.second[kind]
  const [Field, label] =
    kind === 'totp' ? [CodeField, copy.factors.code] : [SecretCodeField, copy.factors.stepUp.recoveryCode]
  return (
    <Layout title={text.title} form lead={text.lead} failed={Boolean(error)}>
      <Form main {...form} hidden={{ kind }} fields={['code']}>
        <Field label={label} error={error} />
        {kind === 'totp' && mayRemember && (
          <Choice type="checkbox" name="remember" value="1" label={copy.factors.second.remember} />
        )}
        <Submit text={copy.factors.second.submit} />
      </Form>
      <div class="aside">
        {passkeyHref && (
          <p>
            <a href={safeHref(passkeyHref)}>{copy.factors.second.passkey}</a>
          </p>
        )}
        {otherHref && (
          <p>
            {text.otherLead} <a href={safeHref(otherHref)}>{text.other}</a>
          </p>
        )}
        <p>
          <a href={safeHref(startOverHref)}>{copy.factors.second.startOver}</a>
        </p>
      </div>
    </Layout>
  )
}
