import { words } from './api-key-words.ts'
import { scopeSentence } from './copy.ts'
import { Buttons, Choice, errorAt, type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Problem } from './layout.tsx'

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
      <h1>{text.title}</h1>
      <FormProblem error={error} fields={['name']} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        <label for="name">{text.name}</label>
        <Problem id="problem" text={errorAt(error, 'name')} />
        <input
          id="name"
          name="name"
          type="text"
          maxlength={100}
          required
          autofocus
          autocomplete="off"
          value={values.name}
          aria-invalid={errorAt(error, 'name') ? 'true' : undefined}
          aria-describedby={errorAt(error, 'name') ? 'problem name-hint' : 'name-hint'}
        />
        <p class="note" id="name-hint">
          {text.nameHint}
        </p>
        <fieldset aria-describedby="scopes-hint">
          <legend>{text.scopes}</legend>
          <p class="note" id="scopes-hint">
            {text.scopesHint}
          </p>
          <div class="choices">
            {groups.map(({ area, scopes }) => (
              <fieldset class="group">
                <legend>{area}</legend>
                {scopes.map((scope) => (
                  <Choice
                    type="checkbox"
                    name="scope"
                    value={scope}
                    checked={values.scopes.includes(scope)}
                    label={scopeSentence(scope).sentence}
                  />
                ))}
              </fieldset>
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>{text.expires}</legend>
          {Object.entries(text.days).map(([days, label]) => (
            <Choice type="radio" name="days" value={days} checked={values.days === days} label={label} />
          ))}
        </fieldset>
        <details open={Boolean(values.networks || values.perMinute)}>
          <summary>{text.limits}</summary>
          <label for="networks">{text.networks}</label>
          <input
            id="networks"
            name="networks"
            type="text"
            maxlength={1000}
            autocomplete="off"
            value={values.networks}
            aria-describedby="networks-hint"
          />
          <p class="note" id="networks-hint">
            {text.networksHint}
          </p>
          <label for="per-minute">{text.perMinute}</label>
          <input
            id="per-minute"
            name="per_minute"
            type="text"
            inputmode="numeric"
            pattern="[0-9]*"
            maxlength={9}
            autocomplete="off"
            value={values.perMinute}
          />
        </details>
        <Buttons submit={text.submit} cancel={text.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}
