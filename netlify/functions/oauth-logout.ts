import * as z from 'zod/mini'
import { browserSession } from '../../shared/access/authenticate.ts'
import { isForeignPost } from '../../shared/access/csrf.ts'
import { isSubject } from '../../shared/access/subject.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { postedField, readBody, readQuery } from '../../shared/http/body.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { matchesRedirectUri, shownHost } from '../../shared/oauth/clients/redirect-uri.ts'
import { once } from '../../shared/once.ts'
import { presentMembers } from '../../shared/present.ts'
import { type Client, findClient, isStranger } from '../../shared/queries/api-clients.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { signOutOf } from '../../shared/sign-in/end-session.ts'
import { form } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { renderPage } from '../pages/render.ts'
import { confirmSignOutPage, SignedOutPage } from '../pages/sign-out.tsx'

const parameters = once(() =>
  z.object({
    id_token_hint: z.optional(z.string().check(z.maxLength(8000))),
    client_id: z.optional(z.string().check(z.maxLength(500))),
    post_logout_redirect_uri: z.optional(z.string().check(z.maxLength(2000))),
    state: z.optional(z.string().check(z.maxLength(2000))),
  }),
)
type Parameters = z.output<ReturnType<typeof parameters>>

const app = createFormApp('Authorization pages')
app.use(translated)

/** Reads the client, session and redirect URI of a logout request. @throws GatewayError invalid_request, invalid_redirect_uri */
async function readRequest(params: Parameters) {
  const { jwts, reads } = gateway()
  const hint = params.id_token_hint ? await jwts.readIdTokenHint(params.id_token_hint) : undefined
  if (params.id_token_hint && !hint)
    throw new GatewayError('invalid_request', { description: 'The ID token hint is not valid.' })
  const audience = typeof hint?.aud === 'string' ? hint.aud : undefined
  if (audience && params.client_id && audience.toLowerCase() !== params.client_id.toLowerCase())
    throw new GatewayError('invalid_request', { description: 'The ID token hint is for another client.' })
  const clientId = params.client_id ?? audience
  const client = clientId ? await findClient(reads, clientId) : undefined
  const { id_token_hint, post_logout_redirect_uri, state } = params
  const hidden = { id_token_hint, client_id: client?.client_id, post_logout_redirect_uri, state }
  // Without a browser session, the ID token still identifies the application and session to sign out.
  const hinted = z.uuid().safeParse(hint?.sid).data
  return { hint, hinted, client, hidden, returnHref: postLogoutRedirect(client, params) }
}

type LogoutRequest = Awaited<ReturnType<typeof readRequest>>

const asked = ({ returnHref, hidden }: LogoutRequest) => ({
  action: '/oauth/logout',
  returnHref,
  returnHost: returnHref && shownHost(returnHref),
  hidden,
})

/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): asks first, unless a valid hint names the person. Only then is the
 * browser redirected to the client; otherwise the page links to it and names the host, since an unverified client with its own hint
 * would be an open redirector (RFC 9700 section 4.11.2).
 */
async function logout(c: AppContext, params: Parameters): Promise<Response> {
  const request = await readRequest(params)
  const { hint, hinted, client } = request
  const signedIn = await browserSession(c.var.call)
  if (!signedIn) {
    await signOutOf(c.var.call, { client, hinted })
    if (!isForeignPost(c.var.call)) clearSessionCookies(c.var.call)
    return leave(c, request, { atOnce: hint !== undefined && client !== undefined && !isStranger(client) })
  }
  if (!client || !isSubject(gateway(), client, signedIn.person, hint?.sub))
    return confirmSignOutPage(c, signedIn, asked(request))
  return end(c, signedIn, request)
}

async function end(c: AppContext, signedIn: SignedIn, request: LogoutRequest): Promise<Response> {
  await signOutOf(c.var.call, { ...request, signedIn })
  clearSessionCookies(c.var.call)
  return leave(c, request, { atOnce: true })
}

function leave(c: AppContext, { returnHref }: LogoutRequest, { atOnce }: { atOnce: boolean }): Response {
  if (returnHref && atOnce) return c.body(null, c.req.method === 'POST' ? 303 : 302, { Location: returnHref })
  return renderPage(SignedOutPage({ continueHref: returnHref, continueHost: returnHref && shownHost(returnHref) }))
}

function postLogoutRedirect(client: Client | undefined, params: Parameters): string | undefined {
  const { post_logout_redirect_uri: uri, state } = params
  if (!uri) return undefined
  const registered = client?.metadata.post_logout_redirect_uris ?? []
  if (!matchesRedirectUri(registered, uri)) throw new GatewayError('invalid_redirect_uri')
  if (state === undefined) return uri
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`
}

app.route('GET', '/oauth/logout', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Signs out (OpenID Connect RP-Initiated Logout)', parameters),
})((c) => logout(c, readQuery(c, parameters())))

/** Accepts the request of an application, or the confirmation on the page. */
app.route('POST', '/oauth/logout', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Signs out (OpenID Connect RP-Initiated Logout)', parameters),
})(async (c) => {
  const signedIn = (await postedField(c, 'csrf')) && (await browserSession(c.var.call))
  if (!signedIn) return logout(c, await readBody(c, parameters()))
  return form(c, {
    schema: parameters(),
    about: signedIn.session.id,
    load: (_, typed) => readRequest(presentMembers(typed) as Parameters),
    render: (shown, request) => confirmSignOutPage(c, signedIn, asked(request), shown),
    act: (_, request) => end(c, signedIn, request),
  })
})

export default serve(app)
