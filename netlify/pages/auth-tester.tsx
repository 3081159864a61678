import type { PropsWithChildren } from 'hono/jsx'
import { CopyField } from './copy-field.tsx'
import { ButtonLink, Form, type FormError, Submit, TextField } from './form-parts.tsx'
import { Fact, Layout } from './layout.tsx'

/** Every English sentence of the client that the gateway can be tried with. */
const words = {
  start: {
    title: 'Try the gateway',
    lead: 'This page acts as an application. It requests authorization with PKCE, as the client auth-tester, and shows every step.',
    scope: 'Scopes',
    submit: 'Ask for authorization',
  },
  code: {
    title: 'The application was called back',
    lead: 'The gateway sent you here with a code. You can exchange it once, within 60 seconds.',
    foreign:
      'This page did not begin this authorization, so it has no verifier for the code: exchange it where you began.',
    label: 'Authorization code',
    submit: 'Exchange it for tokens',
  },
  tokens: {
    title: 'The application has tokens',
    lead: 'This is the response of the token endpoint, and the content of its tokens.',
    answer: 'Response of /oauth/token',
    accessToken: 'Access token, decoded',
    idToken: 'ID token, decoded',
  },
  failed: {
    title: 'The application was refused',
    lead: 'The gateway returned an error instead of a code.',
  },
  again: 'Begin again',
} as const

const CLIENT = '/test-client'

/** A step after the first one, from which the test can begin again. */
function StepPage({ children, ...layout }: PropsWithChildren<Parameters<typeof Layout>[0]>) {
  return (
    <Layout {...layout}>
      {children}
      <div class="actions">
        <ButtonLink href={CLIENT} text={words.again} />
      </div>
    </Layout>
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
    <Layout title={text.title} lead={text.lead} failed={Boolean(error)}>
      <Form action={CLIENT} csrf={csrf} error={error}>
        <TextField name="scope" label={text.scope} value={scope} class="mono" spellcheck={false} />
        <Submit text={text.submit} />
      </Form>
    </Layout>
  )
}

/** The redirect URI with a code, which only the requesting browser can exchange. */
export function TesterCodePage({ code, own, csrf }: { code: string; own: boolean; csrf: string }) {
  const text = words.code
  return (
    <StepPage title={text.title} lead={text.lead}>
      <CopyField label={text.label} value={code} />
      {own ? (
        <Form action="/auth-tester" csrf={csrf} hidden={{ code }}>
          <Submit text={text.submit} />
        </Form>
      ) : (
        <p class="note">{text.foreign}</p>
      )}
    </StepPage>
  )
}

type TokensProps = { answer: object; accessToken: object; idToken?: object }

/** Shows the token response and its claims. */
export function TesterTokensPage({ answer, accessToken, idToken }: TokensProps) {
  const text = words.tokens
  return (
    <StepPage title={text.title} lead={text.lead} wide>
      <Listing title={text.answer} value={answer} />
      <Listing title={text.accessToken} value={accessToken} />
      {idToken && <Listing title={text.idToken} value={idToken} />}
    </StepPage>
  )
}

/** The redirect URI with an error. */
export function TesterFailedPage({ error, description }: { error: string; description?: string }) {
  const text = words.failed
  return (
    <StepPage title={text.title} lead={text.lead} failed>
      <dl class="facts">
        <Fact term={error}>{description}</Fact>
      </dl>
    </StepPage>
  )
}
