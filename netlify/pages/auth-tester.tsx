import { words } from './auth-tester-words.ts'
import { CopyField } from './copy-field.tsx'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout } from './layout.tsx'

const CLIENT = '/test-client'

function Again() {
  return (
    <div class="actions">
      <a class="button" href={CLIENT}>
        {words.again}
      </a>
    </div>
  )
}

function Listing({ title, value }: { title: string; value: unknown }) {
  return (
    <>
      <h2>{title}</h2>
      <pre class="mono listing" tabindex={0}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </>
  )
}

/** Starts a test. */
export function TesterPage({ scope, csrf, error }: { scope: string; csrf: string; error?: FormError }) {
  const text = words.start
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <form method="post" action={CLIENT}>
        <Hidden fields={{ csrf }} />
        <FormProblem error={error} />
        <label for="scope">{text.scope}</label>
        <input id="scope" class="mono" name="scope" type="text" value={scope} spellcheck={false} autocomplete="off" />
        <button class="button primary" type="submit">
          {text.submit}
        </button>
      </form>
    </Layout>
  )
}

/** The redirect URI with a code, which only the requesting browser can exchange. */
export function TesterCodePage({ code, own, csrf }: { code: string; own: boolean; csrf: string }) {
  const text = words.code
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <CopyField label={text.label} value={code} />
      {own ? (
        <form method="post" action="/auth-tester">
          <Hidden fields={{ csrf, code }} />
          <button class="button primary" type="submit">
            {text.submit}
          </button>
        </form>
      ) : (
        <p class="note">{text.foreign}</p>
      )}
      <Again />
    </Layout>
  )
}

type TokensProps = { answer: object; accessToken: object; idToken?: object }

/** Shows the token response and its claims. */
export function TesterTokensPage({ answer, accessToken, idToken }: TokensProps) {
  const text = words.tokens
  return (
    <Layout title={text.title} wide>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <Listing title={text.answer} value={answer} />
      <Listing title={text.accessToken} value={accessToken} />
      {idToken && <Listing title={text.idToken} value={idToken} />}
      <Again />
    </Layout>
  )
}

/** The redirect URI with an error. */
export function TesterFailedPage({ error, description }: { error: string; description?: string }) {
  const text = words.failed
  return (
    <Layout title={text.title} failed>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <dl class="facts">
        <div>
          <dt class="mono">{error}</dt>
          <dd>{description}</dd>
        </div>
      </dl>
      <Again />
    </Layout>
  )
}
