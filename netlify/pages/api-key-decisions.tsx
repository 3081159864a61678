import type { PropsWithChildren } from 'hono/jsx'
import { words } from './api-key-words.ts'
import { fill } from './copy.ts'
import { CopyField } from './copy-field.tsx'
import { ButtonLink, Buttons, Choices, Form, type FormError, TextField } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'

type Decision = { action: string; csrf: string; backHref: string; name: string; error?: FormError }
type Asked = Decision & { title: string; lead: string; submit: string }

/** Asks to confirm a change to the key whose name is part of the title. */
function DecisionPage({ title, lead, submit, name, backHref, children, ...form }: PropsWithChildren<Asked>) {
  const shown = displayName(name, words.unnamed)
  return (
    <Layout
      title={fill(title, { name: shown }).join('')}
      heading={<Sentence text={title} name={<Name>{shown}</Name>} />}
      lead={lead}
      failed={Boolean(form.error)}
    >
      <Form {...form}>
        {children}
        <Buttons submit={submit} backHref={backHref} />
      </Form>
    </Layout>
  )
}

/** Asks when the old key stops working. */
export function RotateKeyPage(asked: Decision) {
  const { when, grace, ...text } = words.rotation
  return (
    <DecisionPage {...asked} {...text}>
      <Choices legend={when} name="grace_seconds" options={grace} chosen="0" />
    </DecisionPage>
  )
}

/** Asks for confirmation before a key is revoked or deleted. */
export function EndKeyPage({ kind, ...asked }: Decision & { kind: 'revoke' | 'delete' }) {
  return (
    <DecisionPage {...asked} {...words.end[kind]}>
      <TextField name="reason" label={words.end.reason} maxlength={500} />
    </DecisionPage>
  )
}

type ApiKeyShownProps = { apiKey: string; name: string; backHref: string; notice?: string }

/** Shows a new key, once. */
export function ApiKeyShownPage({ apiKey, name, backHref, notice }: ApiKeyShownProps) {
  const text = words.shown
  const label = <Sentence text={text.label} name={<bdi>{displayName(name, words.unnamed)}</bdi>} />
  return (
    <Layout title={text.title} lead={text.lead} notice={notice}>
      <CopyField label={label} value={apiKey} />
      <div class="actions">
        <ButtonLink kind="primary" href={backHref} text={text.done} />
      </div>
    </Layout>
  )
}
