import { catalogue, GatewayError, type Refusal } from '../errors.ts'
import { gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { errorDescription } from '../http/render-error.ts'
import { shownHost } from './redirect-uri.ts'

export type Answer = { code?: string; error?: Refusal; description?: string; state?: string }

/** Members of an authorization response, with `iss` in success and error alike (OAuth 2.1 section 4.1.2, RFC 9207 section 2). */
function answerParameters({ code, error, description, state }: Answer): URLSearchParams {
  const params = new URLSearchParams()
  if (code) params.set('code', code)
  if (error) {
    params.set('error', catalogue[error].oauth)
    params.set('error_description', errorDescription(description ?? catalogue[error].message))
  }
  if (state !== undefined) params.set('state', state)
  params.set('iss', gateway().issuer)
  return params
}

/** The redirect URI with the answer appended; the query that it has is kept. */
function answerHref(redirectUri: string, answer: Answer): string {
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${answerParameters(answer)}`
}

/** The authorization response, by redirect. */
export function redirectWith(c: AppContext, redirectUri: string, answer: Answer): Response {
  return c.body(null, c.req.method === 'POST' ? 303 : 302, { Location: answerHref(redirectUri, answer) })
}

/**
 * An error that waits for the person: the page names the host that asked for the answer, and a button goes on there with `error`,
 * `state` and `iss` (RFC 9700 section 4.11.2).
 */
export function errorForPerson(redirectUri: string, answer: Answer & { error: Refusal }): GatewayError {
  const onward = { host: shownHost(redirectUri), href: answerHref(redirectUri, answer) }
  return new GatewayError(answer.error, { description: answer.description, onward })
}
