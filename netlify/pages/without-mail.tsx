import { EmailField, errorAt, type FormError, FormProblem, SecretCodeField } from './form-parts.tsx'
import { Hidden, Layout } from './layout.tsx'
import { words } from './proof-words.ts'
import { safeHref } from './safe.ts'

type Props = { action: string; csrf: string; returnTo?: string; email?: string; error?: FormError; backHref: string }

/** Asks for an address and a code that was not sent by mail. */
export function WithoutMailPage({ action, csrf, returnTo, email, error, backHref }: Props) {
  const text = words.withoutMail
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <FormProblem error={error} fields={['email', 'code']} />
      <form method="post" action={action} class="spaced">
        <Hidden fields={{ csrf, return_to: returnTo }} />
        <EmailField
          label={text.email}
          value={email}
          error={errorAt(error, 'email')}
          focus={!email && error?.field !== 'code'}
        />
        <SecretCodeField
          label={text.code}
          error={errorAt(error, 'code')}
          focus={Boolean(email) && error?.field !== 'email'}
        />
        <button class="button primary" type="submit">
          {text.submit}
        </button>
      </form>
      <p class="aside">
        <a href={safeHref(backHref)}>{text.back}</a>
      </p>
    </Layout>
  )
}
