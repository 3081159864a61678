import { EmailField, SecretCodeField } from './form-parts.tsx'
import { Hidden, Layout, Problem } from './layout.tsx'
import { words } from './proof-words.ts'
import { safeHref } from './safe.ts'

type Props = { action: string; csrf: string; email?: string; error?: string; backHref: string }

/** Asks for an address and a code that came by no mail. */
export function WithoutMailPage({ action, csrf, email, error, backHref }: Props) {
  const text = words.withoutMail
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <Problem id="problem" text={error} />
      <form method="post" action={action} class="spaced">
        <Hidden fields={{ csrf }} />
        <EmailField label={text.email} value={email} />
        <SecretCodeField label={text.code} error={error} focus={false} />
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
