import { copy } from './copy.ts'
import { EmailField, Form, type FormError, SecretCodeField, Submit } from './form-parts.tsx'
import { Layout } from './layout.tsx'
import { safeHref } from './safe.ts'

type Props = { action: string; csrf: string; returnTo?: string; email?: string; error?: FormError; backHref: string }

/** Asks for an address and a code that was not sent by mail. */
export function WithoutMailPage({ returnTo, email, backHref, ...form }: Props) {
  const text = copy.factors.withoutMail
  const { error } = form
  return (
    <Layout title={text.title} form lead={text.lead} failed={Boolean(error)}>
      <Form main {...form} hidden={{ return_to: returnTo }} fields={['email', 'code']} class="spaced">
        <EmailField label={text.email} value={email} error={error} focus={!email && error?.field !== 'code'} />
        <SecretCodeField label={text.code} error={error} focus={Boolean(email) && error?.field !== 'email'} />
        <Submit text={text.submit} />
      </Form>
      <p class="aside">
        <a href={safeHref(backHref)}>{text.back}</a>
      </p>
    </Layout>
  )
}
