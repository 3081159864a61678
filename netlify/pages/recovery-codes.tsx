import { copy, fill } from './copy.ts'
import { ButtonLink, Buttons, Form, type FormError } from './form-parts.tsx'
import { Layout } from './layout.tsx'
import { safeHref } from './safe.ts'

type MakeProps = { action: string; csrf: string; returnTo?: string; backHref: string; left: number; error?: FormError }

/** Offers to make recovery codes. */
export function MakeRecoveryCodesPage({ returnTo, backHref, left, ...form }: MakeProps) {
  const text = copy.factors.recovery
  return (
    <Layout title={text.title} lead={text.lead} failed={Boolean(form.error)}>
      {left > 0 && <p class="caution">{fill(text.replaces, { count: String(left) }).join('')}</p>}
      <Form {...form} hidden={{ return_to: returnTo }}>
        <Buttons submit={text.make} cancel={text.later} backHref={safeHref(backHref) ?? '/account'} />
      </Form>
    </Layout>
  )
}

/** Shows the codes, once. */
export function RecoveryCodesPage({ codes, email, doneHref }: { codes: string[]; email: string; doneHref: string }) {
  const text = copy.factors.recovery
  return (
    <Layout title={text.shownTitle} lead={text.shownLead}>
      <ol class="codes" aria-label={text.title}>
        {codes.map((code) => (
          <li>{code}</li>
        ))}
      </ol>
      <p class="note">{fill(text.shownNote, { email }).join('')}</p>
      <p class="actions">
        <ButtonLink kind="primary" href={safeHref(doneHref) ?? '/account'} text={text.kept} />
      </p>
    </Layout>
  )
}
