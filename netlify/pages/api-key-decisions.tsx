import { words } from './api-key-words.ts'
import { fill } from './copy.ts'
import { Buttons, Choice, type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Name, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'

type Decision = { action: string; csrf: string; backHref: string; name: string; error?: FormError }

/** Asks when the old key stops working. */
export function RotateKeyPage({ action, csrf, backHref, name, error }: Decision) {
  const text = words.rotation
  const shown = displayName(name, words.unnamed)
  return (
    <Layout title={fill(text.title, { name: shown }).join('')}>
      <h1>
        <Sentence text={text.title} name={<Name>{shown}</Name>} />
      </h1>
      <p class="lead">{text.lead}</p>
      <FormProblem error={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        <fieldset>
          <legend>{text.when}</legend>
          {Object.entries(text.grace).map(([seconds, label]) => (
            <Choice type="radio" name="grace_seconds" value={seconds} checked={seconds === '0'} label={label} />
          ))}
        </fieldset>
        <Buttons submit={text.submit} cancel={words.form.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}

/** Asks for confirmation before a key is revoked or deleted. */
export function EndKeyPage({ action, csrf, backHref, name, kind, error }: Decision & { kind: 'revoke' | 'delete' }) {
  const text = words.end
  const [title, lead] = kind === 'revoke' ? [text.revokeTitle, text.revokeLead] : [text.deleteTitle, text.deleteLead]
  const shown = displayName(name, words.unnamed)
  return (
    <Layout title={fill(title, { name: shown }).join('')}>
      <h1>
        <Sentence text={title} name={<Name>{shown}</Name>} />
      </h1>
      <p class="lead">{lead}</p>
      <FormProblem error={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        <label for="reason">{text.reason}</label>
        <input id="reason" name="reason" type="text" maxlength={500} autocomplete="off" />
        <Buttons
          submit={kind === 'revoke' ? words.revoke : words.remove}
          cancel={words.form.cancel}
          backHref={backHref}
        />
      </form>
    </Layout>
  )
}
