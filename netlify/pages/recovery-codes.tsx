import { fill } from './copy.ts'
import { Buttons, type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout } from './layout.tsx'
import { words } from './proof-words.ts'
import { safeHref } from './safe.ts'

const text = words.recovery

type MakeProps = { action: string; csrf: string; returnTo?: string; backHref: string; left: number; error?: FormError }

/** Offers to make recovery codes. */
export function MakeRecoveryCodesPage({ action, csrf, returnTo, backHref, left, error }: MakeProps) {
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      {left > 0 && <p class="caution">{fill(text.replaces, { count: String(left) }).join('')}</p>}
      <FormProblem error={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, return_to: returnTo }} />
        <Buttons submit={text.make} cancel={text.later} backHref={safeHref(backHref) ?? '/account'} />
      </form>
    </Layout>
  )
}

/** Shows the codes, once. */
export function RecoveryCodesPage({ codes, email, doneHref }: { codes: string[]; email: string; doneHref: string }) {
  return (
    <Layout title={text.shownTitle}>
      <h1>{text.shownTitle}</h1>
      <p class="lead">{text.shownLead}</p>
      <ol class="codes" aria-label={text.title}>
        {codes.map((code) => (
          <li>{code}</li>
        ))}
      </ol>
      <p class="note">{fill(text.shownNote, { email }).join('')}</p>
      <p class="actions">
        <a class="button primary" href={safeHref(doneHref) ?? '/account'}>
          {text.kept}
        </a>
      </p>
    </Layout>
  )
}
