import { words } from './account-words.ts'
import { Buttons, CodeField, EmailField, Form, type FormError, PhoneField } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'

type Kind = keyof typeof words.addition
type Props = { kind: Kind; action: string; csrf: string; backHref: string; error?: FormError }

/** Asks which address or number to add. */
export function AddAddressPage({ kind, backHref, given, ...form }: Props & { given?: string }) {
  const text = words.addition[kind]
  const { error } = form
  return (
    <Layout title={text.title} lead={text.lead} failed={Boolean(error)}>
      <Form {...form} fields={[kind]}>
        {kind === 'phone' ? (
          <PhoneField label={words.phone} value={given} error={error} />
        ) : (
          <EmailField label={words.email} value={given} error={error} />
        )}
        <Buttons submit={words.sendCode} backHref={backHref} />
      </Form>
    </Layout>
  )
}

/** Asks for the verification code, and explains what happens if the address already has an account. */
export function ProveAddressPage({ kind, backHref, address, ...form }: Props & { address: string }) {
  const text = words.addition[kind]
  const lead = <Sentence text={words.enterCode} address={<Name>{address}</Name>} />
  return (
    <Layout title={text.proveTitle} lead={lead} notice={text.mergeLead} failed={Boolean(form.error)}>
      <Form {...form} fields={['code']}>
        <CodeField label={words.code} error={form.error} />
        <Buttons submit={text.submit} backHref={backHref} />
      </Form>
    </Layout>
  )
}
