import { words } from './account-words.ts'
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
        <label for="email">{words.email}</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="email"
          autocapitalize="none"
          spellcheck={false}
          maxlength={254}
          required
          autofocus
          value={email}
          aria-invalid={error ? 'true' : undefined}
          aria-describedby={error ? 'problem' : undefined}
        />
        <Buttons submit={text.send} backHref={backHref} />
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
        <label for="code">{text.code}</label>
        <input
          id="code"
          name="code"
          class="code"
          type="text"
          inputmode="numeric"
          autocomplete="one-time-code"
          maxlength={16}
          required
          autofocus
          aria-invalid={error ? 'true' : undefined}
          aria-describedby={error ? 'problem' : undefined}
        />
        <Buttons submit={text.submit} backHref={backHref} />
      </form>
    </Layout>
  )
}

function Buttons({ submit, backHref }: { submit: string; backHref: string }) {
  return (
    <div class="actions">
      <button class="button primary" type="submit">
        {submit}
      </button>
      <a class="button" href={backHref}>
        {words.addition.cancel}
      </a>
    </div>
  )
}
