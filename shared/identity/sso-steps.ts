import * as z from 'zod/mini'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { setSessionCookies } from '../http/cookies.ts'
import { matchesRedirectUri } from '../oauth/redirect-uri.ts'
import { tokenResponse } from '../oauth/token-response.ts'
import { findClient } from '../queries/api-clients.ts'
import { type ConnectionRow, findConnection } from '../queries/connections.ts'
import { findExternal } from '../queries/external-accounts.ts'
import { claimOnce } from '../queries/replay-guard.ts'
import { newFlow, readFlow, type SsoFlow } from '../sso/flow.ts'
import type { ExternalProfile } from '../sso/profile.ts'
import { SUPABASE_SLUG } from '../sso/supabase-project.ts'
import { browserSession } from './authenticate.ts'
import { checkCsrf, csrfToken, isCrossSite } from './csrf.ts'
import { clientOfPlatform, PLATFORMS, startPair } from './direct-sign-in.ts'
import { digestsOf, linkAccount } from './external-account.ts'
import { signInExternally } from './external-sign-in.ts'
import { projectScope } from './project-scope.ts'
import { safeReturnTo } from './return-to.ts'
import { readSignIn, writeSignIn } from './sign-in-cookie.ts'

const RECENT_MS = 900_000

export const startQuery = z.object({
  provider: z.string('provider_unknown').check(z.maxLength(63, 'provider_unknown')),
  redirect_uri: z.optional(z.string().check(z.maxLength(4000))),
  project_scope: z.optional(z.string().check(z.maxLength(100))),
  platform: z.prefault(z.enum(PLATFORMS), 'web'),
  login_hint: z.optional(z.string().check(z.maxLength(254))),
  purpose: z.prefault(z.enum(['sign-in', 'link']), 'sign-in'),
  csrf: z.optional(z.string().check(z.maxLength(100))),
})

/** A connection that can be signed in with. @throws GatewayError provider_unknown */
export async function enabledConnection(gateway: Gateway, slug: string): Promise<ConnectionRow> {
  const connection = await findConnection(gateway.reads, slug)
  if (connection?.status !== 'enabled') throw new GatewayError('provider_unknown')
  return connection
}

/** Where a sign-in may end: for the browser an address of ours, for a program one that its own client registered. */
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

/** What a link is begun with: only the person's own account page knows it, so that no other page can make a browser link an account. */
export const linkToken = ({ derive }: Gateway, sessionId: string) => csrfToken(derive, `${sessionId}.link`)

/**
 * The session that an account is to be linked to: a recent one, of this browser.
 * @throws GatewayError csrf_invalid
 */
async function linkingSession(gateway: Gateway, c: AppContext, csrf: string | undefined): Promise<string | Response> {
  const signedIn = await browserSession(gateway, c)
  if (!signedIn || Date.now() - signedIn.session.authenticatedAt.getTime() > RECENT_MS)
    return c.redirect('/web/login?prompt=login&return_to=/account', 302)
  const { id } = signedIn.session
  checkCsrf(c, gateway.derive, `${id}.link`, csrf)
  return id
}

/**
 * Begins a flow in this browser, unless somebody must sign in again first.
 * @param callback where the provider sends the answer
 */
export async function beginFlow(
  gateway: Gateway,
  c: AppContext,
  query: z.infer<typeof startQuery>,
  callback: string,
): Promise<SsoFlow | Response> {
  const returnTo = await destination(gateway, query.platform, query.redirect_uri)
  const sessionId = query.purpose === 'link' ? await linkingSession(gateway, c, query.csrf) : undefined
  if (sessionId instanceof Response) return sessionId
  return newFlow({
    slug: query.provider.toLowerCase(),
    callback,
    purpose: query.purpose,
    sessionId,
    foreign: isCrossSite(c),
    platform: query.platform,
    projectScope: projectScope(query.project_scope),
    returnTo,
  })
}

/** Back to the sign-in page with a reason that it knows; what went wrong in detail is in the log. */
export function backToSignIn(c: AppContext, error: unknown, flow?: SsoFlow): Response {
  if (!(error instanceof GatewayError) || error.status === 429) throw error
  c.set('refused', error)
  const query = { error: error.refusal, ...(flow?.platform === 'web' && flow.returnTo && { return_to: flow.returnTo }) }
  return c.redirect(`/web/login?${new URLSearchParams(query)}`, 302)
}

/** The flow this answer belongs to: begun in this browser, for this provider, and never answered before. */
export async function takeFlow(gateway: Gateway, c: AppContext, slug: string, state: string | null): Promise<SsoFlow> {
  const flow = readFlow(gateway, c)
  const invalid = (reason: string) => new GatewayError('sso_state_invalid', { reason })
  if (!flow) throw invalid('no flow in this browser')
  if (flow.slug !== slug) throw invalid('answer of another provider')
  if (flow.state !== state) throw invalid('another state')
  const first = await claimOnce(gateway.reads, 'sso-state', [flow.state], new Date(flow.until))
  if (!first) throw invalid('answered before')
  return flow
}

/** What follows once the person has proven the account: a sign-in, or a link to who is signed in. */
export async function finishFlow(
  gateway: Gateway,
  c: AppContext,
  connection: ConnectionRow,
  flow: SsoFlow,
  profile: ExternalProfile,
  method: string,
): Promise<Response> {
  const account = { provider: connection.slug, externalId: profile.externalId, method, assertedBy: connection.slug }
  if (flow.purpose === 'link') return link(gateway, c, flow, account)
  const replaces = flow.platform === 'web' ? await browserSession(gateway, c) : undefined
  const { platform, projectScope: scope } = flow
  const clientId = platform === 'web' ? undefined : clientOfPlatform(platform)
  const ownMailbox = connection.slug === SUPABASE_SLUG && profile.emailVerified
  const input = { connection, profile, method, platform, projectScope: scope, clientId, replaces, ownMailbox }
  try {
    return await signInExternally(gateway, c, input, async (work, signedIn) => {
      const { client, person } = signedIn
      if (flow.foreign && replaces && !person.members.includes(replaces.person.uai))
        throw new GatewayError('signed_in_as_another')
      if (platform === 'web') return { signedIn }
      if (client?.status !== 'active') throw new GatewayError('invalid_client', { reason: 'platform client' })
      return { signedIn, pair: startPair(gateway, work, { ...signedIn, client }) }
    }).then(async ({ signedIn, pair }) => {
      if (!pair) return enter(gateway, c, flow, signedIn)
      const { access_token, refresh_token = '', expires_in } = await tokenResponse(gateway, pair.grant, pair)
      const tokens = {
        access_token,
        refresh_token,
        expires_in: String(expires_in),
        project_scope: scope,
        provider: connection.slug,
      }
      const target = flow.returnTo ?? ''
      return c.redirect(`${target}${target.includes('?') ? '&' : '?'}${new URLSearchParams(tokens)}`, 302)
    })
  } catch (error) {
    if (!(error instanceof GatewayError) || !/^(link_needed|more_proof_needed)$/.test(error.refusal)) throw error
    const { digest } = digestsOf(gateway, { connection, profile, method })
    const { person: holder } = await findExternal(gateway.reads, gateway.personal, { digest })
    if (flow.foreign && !holder) throw new GatewayError('sign_in_to_link', { reason: 'begun by another site' })
    writeSignIn(gateway, c, { ...readSignIn(gateway, c), email: profile.email, link: account })
    throw error
  }
}

type Entered = Parameters<Parameters<typeof signInExternally>[3]>[1]

/** The browser is signed in. */
function enter(gateway: Gateway, c: AppContext, flow: SsoFlow, { person, session }: Entered): Response {
  setSessionCookies(c, {
    handle: session.handle,
    user: { id: person.uai, email: person.email, role: person.role },
    maxAge: gateway.config.SESSION_ABSOLUTE_SECONDS,
  })
  return c.redirect(flow.returnTo ?? `${gateway.config.DASHBOARD_URL}/dashboard`, 302)
}

async function link(
  gateway: Gateway,
  c: AppContext,
  flow: SsoFlow,
  account: Parameters<typeof linkAccount>[2],
): Promise<Response> {
  const signedIn = await browserSession(gateway, c)
  if (!signedIn || signedIn.session.id !== flow.sessionId)
    throw new GatewayError('sso_state_invalid', { reason: 'begun in another session' })
  const { person, session } = signedIn
  const outcome = await commit(commitContext(gateway, c), async (work) => {
    work.actor = { type: 'person', id: person.uai, sessionId: session.id }
    await linkAccount(gateway, work, account, { person, sessionId: session.id })
    return 'linked'
  }).catch((error: unknown) => {
    if (error instanceof GatewayError && error.refusal === 'credential_taken') return 'taken'
    throw error
  })
  return c.redirect(`/account?done=${outcome}`, 302)
}
