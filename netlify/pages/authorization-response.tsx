import { randomBytes } from 'node:crypto'
import { raw } from 'hono/html'
import { catalogue, GatewayError, type Refusal } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { errorDescription } from '../../shared/http/render-error.ts'
import type { ResponseMode } from '../../shared/oauth/authorize/authorization-request.ts'
import { shownHost } from '../../shared/oauth/clients/redirect-uri.ts'
import { CODE_SECRET_BYTES, streamOfToken } from '../../shared/tokens/opaque.ts'
import { copy, fill } from './copy.ts'
import { Form, Submit } from './form-parts.tsx'
import { Layout } from './layout.tsx'
import { renderPage } from './render.ts'

export type Answer = {
  code?: string
  error?: Refusal
  description?: string
  state?: string
  /** Default: `query`. */
  responseMode?: ResponseMode
}

/** Members of an authorization response, with `iss` in success and error alike (OAuth 2.1 section 4.1.2, RFC 9207 section 2). */
function answerParameters({ code, error, description, state }: Answer): Record<string, string> {
  return {
    ...(code && { code }),
    ...(error && {
      error: catalogue[error].oauth,
      error_description: errorDescription(description ?? catalogue[error].message),
    }),
    ...(state !== undefined && { state }),
    iss: gateway().issuer,
  }
}

/** Returns the redirect URI with the response appended to its query. */
function answerHref(redirectUri: string, answer: Answer): string {
  if (answer.responseMode === 'fragment') return `${redirectUri}#${new URLSearchParams(answerParameters(answer))}`
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${new URLSearchParams(answerParameters(answer))}`
}

/** Returns the authorization response: a redirect, or a page that posts it to the redirect URI only. */
export function redirectWith(c: AppContext, redirectUri: string, answer: Answer): Response {
  if (answer.code) c.set('handsOutCodeOf', streamOfToken(answer.code, CODE_SECRET_BYTES))
  if (answer.responseMode !== 'form_post')
    return c.body(null, c.req.method === 'POST' ? 303 : 302, { Location: answerHref(redirectUri, answer) })
  const nonce = randomBytes(16).toString('base64')
  const fields = answerParameters(answer)
  return renderPage(FormPostPage({ action: redirectUri, host: shownHost(redirectUri), fields, nonce }), {
    formAction: [redirectUri],
    script: `'nonce-${nonce}'`,
  })
}

type FormPostProps = {
  /** The redirect URI that the form posts to, and the host there. */
  action: string
  host: string
  fields: Record<string, string>
  /** Nonce of the script that submits the form; without JavaScript the person does. */
  nonce: string
}

/** Posts an authorization response to the application (OAuth 2.0 Form Post Response Mode section 4). */
function FormPostPage({ action, host, fields, nonce }: FormPostProps) {
  const text = copy.formPost
  return (
    <Layout title={text.title}>
      <Form action={action} hidden={fields}>
        <Submit text={fill(text.submit, { host }).join('')} />
      </Form>
      <script nonce={nonce}>{raw('document.forms[0].submit()')}</script>
    </Layout>
  )
}

/**
 * Returns an error for a page that names the requesting host, with a button that continues there with `error`, `state` and `iss`
 * (RFC 9700 section 4.11.2).
 */
export function errorForPerson(redirectUri: string, answer: Answer & { error: Refusal }): GatewayError {
  const host = shownHost(redirectUri)
  const onward =
    answer.responseMode === 'form_post'
      ? { host, href: redirectUri, fields: answerParameters(answer) }
      : { host, href: answerHref(redirectUri, answer) }
  return new GatewayError(answer.error, { description: answer.description, onward })
}
