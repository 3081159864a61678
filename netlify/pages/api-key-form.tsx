import { words } from './api-key-words.ts'
import { Buttons, Choices, Form, type FormError, ScopeChoices, TextField } from './form-parts.tsx'
import { Layout } from './layout.tsx'

export type KeyFormValues = {
  name?: string
  scopes: string[]
  days: string
  networks?: string
  perMinute?: string
}

type ApiKeyFormProps = {
  action: string
  csrf: string
  backHref: string
  /** The scopes to choose from, by area. */
  groups: { area: string; scopes: string[] }[]
  values: KeyFormValues
  error?: FormError
}

/** Asks for the settings of a new key. */
export function ApiKeyFormPage({ action, csrf, backHref, groups, values, error }: ApiKeyFormProps) {
  const text = words.form
  return (
    <Layout title={text.title} failed={Boolean(error)} wide>
      <Form action={action} csrf={csrf} error={error} fields={['name']}>
        <TextField
          name="name"
          label={text.name}
          value={values.name}
          maxlength={100}
          required
          focus
          error={error}
          hint={text.nameHint}
        />
        <fieldset aria-describedby="scopes-hint">
          <legend>{text.scopes}</legend>
          <p class="note" id="scopes-hint">
            {text.scopesHint}
          </p>
          <div class="choices">
            {groups.map(({ area, scopes }) => (
              <fieldset class="group">
                <legend>{area}</legend>
                <ScopeChoices scopes={scopes} chosen={values.scopes} />
              </fieldset>
            ))}
          </div>
        </fieldset>
        <Choices legend={text.expires} name="days" options={text.days} chosen={values.days} />
        <details open={Boolean(values.networks || values.perMinute)}>
          <summary>{text.limits}</summary>
          <TextField
            name="networks"
            label={text.networks}
            value={values.networks}
            maxlength={1000}
            hint={text.networksHint}
          />
          <TextField
            name="per_minute"
            label={text.perMinute}
            value={values.perMinute}
            inputmode="numeric"
            pattern="[0-9]*"
            maxlength={9}
          />
        </details>
        <Buttons submit={text.submit} backHref={backHref} />
      </Form>
    </Layout>
  )
}
