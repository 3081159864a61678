import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { ConfirmSignOutPage } from '../../shared/http/pages/confirm-sign-out.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { SignedOutPage } from '../../shared/http/pages/signed-out.tsx'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { browserSession } from '../../shared/identity/authenticate.ts'
import { checkCsrf, csrfToken, isForeignPost } from '../../shared/identity/csrf.ts'
import { signOutOf } from '../../shared/identity/end-session.ts'
import { matchesRedirectUri, shownHost } from '../../shared/oauth/redirect-uri.ts'
import { isSubject } from '../../shared/oauth/subject.ts'
import { once } from '../../shared/once.ts'
import { type Client, findClient, isStranger } from '../../shared/queries/api-clients.ts'

export const parameters = once(() =>
  z.object({
    id_token_hint: z.optional(z.string().check(z.maxLength(8000))),
    client_id: z.optional(z.string().check(z.maxLength(500))),
    post_logout_redirect_uri: z.optional(z.string().check(z.maxLength(2000))),
    state: z.optional(z.string().check(z.maxLength(2000))),
    csrf: z.optional(z.string()),
  }),
)
type Parameters = z.output<ReturnType<typeof parameters>>

const app = createPageApp()

/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): asks first, unless a valid hint names the person. The browser goes
 * back to the client at once only after that; otherwise the person follows a link that names the host, since a stranger's client
 * and its own hint would make us an open redirector (RFC 9700 section 4.11.2).
 */
async function logout(c: AppContext, params: Parameters): Promise<Response> {
  const { jwts, reads, derive } = gateway()
  const hint = params.id_token_hint ? await jwts.readIdTokenHint(params.id_token_hint) : undefined
  if (params.id_token_hint && !hint)
    throw new GatewayError('invalid_request', { description: 'The ID token hint is not valid.' })
  const audience = typeof hint?.aud === 'string' ? hint.aud : undefined
  if (audience && params.client_id && audience.toLowerCase() !== params.client_id.toLowerCase())
    throw new GatewayError('invalid_request', { description: 'The ID token hint is for another client.' })
  const clientId = params.client_id ?? audience
  const client = clientId ? await findClient(reads, clientId) : undefined
  const returnHref = postLogoutRedirect(client, params)

  const signedIn = await browserSession(gateway(), c)
  const vouched = hint !== undefined && client !== undefined && !isStranger(client)
  if (signedIn) {
    const { person, session } = signedIn
    if (params.csrf !== undefined) checkCsrf(c, derive, session.id, params.csrf)
    else if (!client || !isSubject(gateway(), client, person, hint?.sub)) {
      const hidden = Object.fromEntries(
        Object.entries({ ...params, client_id: client?.client_id }).filter(([name, value]) => value && name !== 'csrf'),
      ) as Record<string, string>
      return renderPage(
        ConfirmSignOutPage({
          action: '/oauth/logout',
          csrf: csrfToken(derive, session.id),
          email: person.email,
          returnHref,
          returnHost: returnHref && shownHost(returnHref),
          hidden,
        }),
        { formAction: returnHref ? [returnHref] : [] },
      )
    }
  }
  // Without a browser session, an ID token still says for which application of which session its holder signs out.
  const hinted = z.uuid().safeParse(hint?.sid).data
  await signOutOf(gateway(), c, { signedIn, client, hinted })
  if (!isForeignPost(c)) clearSessionCookies(c)
  if (returnHref && (signedIn || vouched))
    return c.body(null, c.req.method === 'POST' ? 303 : 302, { Location: returnHref })
  const page = renderPage(
    SignedOutPage({ continueHref: returnHref, continueHost: returnHref && shownHost(returnHref) }),
  )
  return c.newResponse(page.body, page)
}

function postLogoutRedirect(client: Client | undefined, params: Parameters): string | undefined {
  const { post_logout_redirect_uri: uri, state } = params
  if (!uri) return undefined
  const registered = client?.metadata.post_logout_redirect_uris ?? []
  if (!matchesRedirectUri(registered, uri)) throw new GatewayError('invalid_redirect_uri')
  if (state === undefined) return uri
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`
}

app.route('GET', '/oauth/logout', { authority: byProtocol('ceremony') }, (c) =>
  logout(c, readQuery(c, z.omit(parameters(), { csrf: true }))),
)
app.route('POST', '/oauth/logout', { authority: byProtocol('ceremony') }, async (c) =>
  logout(c, await readBody(c, parameters())),
)

export default serve(app)
