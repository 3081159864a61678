import { words } from './account-words.ts'
import { Buttons, CodeField, EmailField } from './form-parts.tsx'
import { Hidden, Layout, Name, Notice, Problem, Sentence } from './layout.tsx'

type Form = { action: string; csrf: string; formId: string; backHref: string; error?: string }

/** Asks which address to add. */
export function AddEmailPage({ action, csrf, formId, backHref, error, email }: Form & { email?: string }) {
  const text = words.addition
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <Problem id="problem" text={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, form_id: formId }} />
        <EmailField label={words.email} value={email} error={error} />
        <Buttons submit={text.send} cancel={words.addition.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}

/** Asks for the code that proves the address, and says what follows when the address has an account already. */
export function ProveEmailPage({ action, csrf, formId, backHref, error, email }: Form & { email: string }) {
  const text = words.addition
  return (
    <Layout title={text.proveTitle} failed={Boolean(error)}>
      <h1>{text.proveTitle}</h1>
      <p class="lead">
        <Sentence text={text.proveLead} email={<Name>{email}</Name>} />
      </p>
      <Notice text={text.mergeLead} />
      <Problem id="problem" text={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, form_id: formId }} />
        <CodeField label={text.code} error={error} />
        <Buttons submit={text.submit} cancel={words.addition.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}
