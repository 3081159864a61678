import { words } from './account-words.ts'
import { Buttons, CodeField, EmailField, errorAt, type FormError, FormProblem, PhoneField } from './form-parts.tsx'
import { Hidden, Layout, Name, Notice, Sentence } from './layout.tsx'

type Kind = keyof typeof words.addition
type Form = { kind: Kind; action: string; csrf: string; backHref: string; error?: FormError }

/** Asks which address or number to add. */
export function AddAddressPage({ kind, action, csrf, backHref, error, given }: Form & { given?: string }) {
  const text = words.addition[kind]
  const field = { value: given, error: errorAt(error, kind) }
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <FormProblem error={error} fields={[kind]} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        {kind === 'phone' ? (
          <PhoneField label={words.phone} {...field} />
        ) : (
          <EmailField label={words.email} {...field} />
        )}
        <Buttons submit={text.send} cancel={text.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}

/** Asks for the verification code, and explains what happens if the address already has an account. */
export function ProveAddressPage({ kind, action, csrf, backHref, error, address }: Form & { address: string }) {
  const text = words.addition[kind]
  return (
    <Layout title={text.proveTitle} failed={Boolean(error)}>
      <h1>{text.proveTitle}</h1>
      <p class="lead">
        <Sentence text={text.proveLead} address={<Name>{address}</Name>} />
      </p>
      <Notice text={text.mergeLead} />
      <FormProblem error={error} fields={['code']} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        <CodeField label={text.code} error={errorAt(error, 'code')} />
        <Buttons submit={text.submit} cancel={text.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}
