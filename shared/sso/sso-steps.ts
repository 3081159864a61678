import * as z from 'zod/mini'
import { browserSession } from '../access/authenticate.ts'
import { checkCsrf, csrfToken, isCrossSite } from '../access/csrf.ts'
import { projectScope } from '../access/project-scope.ts'
import { safeReturnTo } from '../access/return-to.ts'
import { authenticationUrl, missingAuthentication } from '../access/step-up.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { Redirect } from '../http/redirect.ts'
import { matchesRedirectUri } from '../oauth/clients/redirect-uri.ts'
import { once } from '../once.ts'
import type { ExternalProfile } from '../people/profile.ts'
import { findClient } from '../queries/api-clients.ts'
import { type ConnectionRow, findConnection } from '../queries/connections.ts'
import { claimOnce } from '../queries/replay-guard.ts'
import { audienceInput } from '../sign-in/fields.ts'
import type { Redirection } from '../sign-in/sign-in-steps.ts'
import { clientOfPlatform } from '../sign-in/start-session.ts'
import { newFlow, openProfile, readFlow, type SsoFlow } from './flow.ts'

export const startQuery = once(() =>
  z.object({
    provider: z.string('provider_unknown').check(z.maxLength(63, 'provider_unknown')),
    redirect_uri: z.optional(z.string().check(z.maxLength(4000))),
    ...audienceInput('web'),
    login_hint: z.optional(z.string().check(z.maxLength(254))),
    purpose: z.prefault(z.enum(['sign-in', 'link']), 'sign-in'),
    csrf: z.optional(z.string().check(z.maxLength(100))),
  }),
)

/** Returns a connection that is enabled for sign-in. @throws GatewayError provider_unknown */
export async function enabledConnection(gateway: Gateway, slug: string): Promise<ConnectionRow> {
  const connection = await findConnection(gateway.reads, slug)
  if (connection?.status !== 'enabled') throw new GatewayError('provider_unknown')
  return connection
}

/** Returns the checked return address: one of ours for a browser, a registered redirect URI for a program. */
async function destination(gateway: Gateway, platform: string, given: string | undefined): Promise<string | undefined> {
  if (platform === 'web') {
    const safe = safeReturnTo(gateway.config, given)
    if (given && !safe) throw new GatewayError('invalid_redirect_uri')
    return safe
  }
  const client = await findClient(gateway.reads, clientOfPlatform(platform))
  const registered = client?.metadata.redirect_uris ?? []
  if (!given || !matchesRedirectUri(registered, given)) throw new GatewayError('invalid_redirect_uri')
  return given
}

/** Returns the CSRF token that starts a link. Only the account page has it, so no other page can make a browser link an account. */
export const linkToken = ({ ring }: Gateway, sessionId: string) => csrfToken(ring, `${sessionId}.link`)

/**
 * Returns this browser's session, which an account is to be linked to. It must be recently authenticated.
 * @throws GatewayError csrf_invalid; Redirect to the missing authentication
 */
async function linkingSession(call: Call, csrf: string | undefined): Promise<string> {
  const signedIn = await browserSession(call)
  const missing = signedIn ? await missingAuthentication(call.gateway, signedIn) : 'sign_in'
  if (!signedIn || missing) throw new Redirect(authenticationUrl(missing ?? 'sign_in', '/account'), 302)
  const { id } = signedIn.session
  checkCsrf(call, call.gateway.ring, `${id}.link`, csrf)
  return id
}

/**
 * Starts a flow in this browser.
 * @param callback where the provider sends its response
 * @throws GatewayError csrf_invalid, invalid_redirect_uri; Redirect when the person must sign in again first
 */
export async function beginFlow(
  call: Call,
  query: z.infer<ReturnType<typeof startQuery>>,
  callback: string,
): Promise<SsoFlow> {
  const foreign = isCrossSite(call)
  if (foreign && query.platform !== 'web')
    throw new GatewayError('csrf_invalid', { reason: 'a program must open this itself' })
  const returnTo = await destination(call.gateway, query.platform, query.redirect_uri)
  const sessionId = query.purpose === 'link' ? await linkingSession(call, query.csrf) : undefined
  const { platform, purpose } = query
  const request = { callback, purpose, sessionId, foreign, platform, returnTo }
  const slug = query.provider.toLowerCase()
  return newFlow({ ...request, slug, projectScope: projectScope(query.project_scope) }, call.now())
}

/** Redirects to the sign-in page with an error code that it can show; the log has the details. */
export function backToSignIn(error: unknown, flow?: SsoFlow): Redirection {
  if (!(error instanceof GatewayError) || error.status === 429) throw error
  const query = { error: error.refusal, ...(flow?.platform === 'web' && flow.returnTo && { return_to: flow.returnTo }) }
  return { location: `/web/login?${new URLSearchParams(query)}`, refused: error }
}

const invalidState = (reason: string) => new GatewayError('sso_state_invalid', { reason })

/** Returns the flow with this state that this browser started for this provider. @throws GatewayError sso_state_invalid */
async function currentFlow(call: Call, slug: string, state: string | null): Promise<SsoFlow> {
  const flow = await readFlow(call, state ?? '')
  if (!flow) throw invalidState('unknown flow in this browser')
  if (flow.slug !== slug) throw invalidState('response of another provider')
  return flow
}

/** Claims the flow of this response: started in this browser, for this provider, and not used before. */
export async function takeFlow(call: Call, slug: string, state: string | null): Promise<SsoFlow> {
  const flow = await currentFlow(call, slug, state)
  const first = await claimOnce(call.gateway.reads, 'sso-state', [flow.state], new Date(flow.until))
  if (!first) throw invalidState('used before')
  return flow
}

/**
 * Claims the flow and the verified profile of a posted response. The provider's page posts without this browser's session cookie
 * (SameSite=Lax), so a request of our own page, which carries it, completes the flow.
 * @throws GatewayError sso_state_invalid
 */
export async function takeProfile(
  call: Call,
  slug: string,
  { state, answer }: { state: string; answer: string },
): Promise<{ flow: SsoFlow; profile: ExternalProfile }> {
  const flow = await currentFlow(call, slug, state)
  const profile = openProfile(call.gateway, flow, answer)
  if (!profile) throw invalidState('not a response of this flow')
  const first = await claimOnce(call.gateway.reads, 'sso-answer', [flow.state], new Date(flow.until))
  if (!first) throw invalidState('finished before')
  return { flow, profile }
}
