import { words } from './factor-words.ts'
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
  const text = words.second[kind]
  const [Field, label] = kind === 'totp' ? [CodeField, words.code] : [SecretCodeField, words.stepUp.recoveryCode]
  return (
    <Layout title={text.title} lead={text.lead} failed={Boolean(error)}>
      <Form {...form} hidden={{ kind }} fields={['code']}>
        <Field label={label} error={error} />
        {kind === 'totp' && mayRemember && (
          <Choice type="checkbox" name="remember" value="1" label={words.second.remember} />
        )}
        <Submit text={words.second.submit} />
      </Form>
      <div class="aside">
        {passkeyHref && (
          <p>
            <a href={safeHref(passkeyHref)}>{words.second.passkey}</a>
          </p>
        )}
        {otherHref && (
          <p>
            {text.otherLead} <a href={safeHref(otherHref)}>{text.other}</a>
          </p>
        )}
        <p>
          <a href={safeHref(startOverHref)}>{words.second.startOver}</a>
        </p>
      </div>
    </Layout>
  )
}
