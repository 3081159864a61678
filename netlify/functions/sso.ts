import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { commit } from '../../shared/events/commit.ts'
import { commitContext, gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { setSessionCookies } from '../../shared/http/cookies.ts'
import { errorPage } from '../../shared/http/pages/respond.tsx'
import { serve } from '../../shared/http/serve.ts'
import { browserSession } from '../../shared/identity/authenticate.ts'
import { clientOfPlatform, PLATFORMS, startPair } from '../../shared/identity/direct-sign-in.ts'
import { linkAccount, signInExternally } from '../../shared/identity/external-sign-in.ts'
import { projectScope } from '../../shared/identity/project-scope.ts'
import { recordRefusals } from '../../shared/identity/record-refusals.ts'
import { safeReturnTo } from '../../shared/identity/return-to.ts'
import { readSignIn, writeSignIn } from '../../shared/identity/sign-in-cookie.ts'
import { matchesRedirectUri } from '../../shared/oauth/redirect-uri.ts'
import { tokenResponse } from '../../shared/oauth/token-response.ts'
import { findClient } from '../../shared/queries/api-clients.ts'
import { type ConnectionRow, findConnection } from '../../shared/queries/connections.ts'
import { claimOnce } from '../../shared/queries/replay-guard.ts'
import { clearFlow, newFlow, readFlow, type SsoFlow, writeFlow } from '../../shared/sso/flow.ts'
import { codeRequestUrl, finishCodeRequest } from '../../shared/sso/oauth-client.ts'
import type { ExternalProfile } from '../../shared/sso/profile.ts'

const CALLBACK = '/v1/auth/oauth/callback'
const RECENT_MS = 900_000
const app = createApp('api', { errorPage, around: recordRefusals(gateway) })

const startQuery = z.object({
  provider: z.string('provider_unknown').check(z.maxLength(63, 'provider_unknown')),
  redirect_uri: z.optional(z.string().check(z.maxLength(4000))),
  project_scope: z.optional(z.string().check(z.maxLength(100))),
  platform: z.prefault(z.enum(PLATFORMS), 'web'),
  login_hint: z.optional(z.string().check(z.maxLength(254))),
  purpose: z.prefault(z.enum(['sign-in', 'link']), 'sign-in'),
})

async function enabled(slug: string): Promise<ConnectionRow> {
  const connection = await findConnection(gateway().reads, slug)
  if (connection?.status !== 'enabled') throw new GatewayError('provider_unknown')
  return connection
}

/** Where a sign-in may end: for the browser an address of ours, for a program one that its own client registered. */
async function destination(platform: string, given: string | undefined): Promise<string | undefined> {
  if (platform === 'web') {
    const safe = safeReturnTo(gateway().config, given)
    if (given && !safe) throw new GatewayError('invalid_redirect_uri')
    return safe
  }
  const client = await findClient(gateway().reads, clientOfPlatform(platform))
  const registered = client?.metadata.redirect_uris ?? []
  if (!given || !matchesRedirectUri(registered, given)) throw new GatewayError('invalid_redirect_uri')
  return given
}

/** The session that an account is to be linked to: a recent one, of this browser. */
async function linkingSession(c: AppContext): Promise<string | Response> {
  const signedIn = await browserSession(gateway(), c)
  if (signedIn && Date.now() - signedIn.session.authenticatedAt.getTime() < RECENT_MS) return signedIn.session.id
  return c.redirect('/web/login?prompt=login&return_to=/account', 302)
}

/** Sends the browser to another provider (wire-contract 1.4). */
app.get('/v1/auth/oauth', async (c) => {
  const query = readQuery(c, startQuery)
  const connection = await enabled(query.provider)
  const returnTo = await destination(query.platform, query.redirect_uri)
  const sessionId = query.purpose === 'link' ? await linkingSession(c) : undefined
  if (sessionId instanceof Response) return sessionId
  const flow = newFlow({
    slug: connection.slug,
    callback: `${gateway().issuer}${CALLBACK}/${connection.slug}`,
    purpose: query.purpose,
    sessionId,
    platform: query.platform,
    projectScope: projectScope(query.project_scope),
    returnTo,
  })
  writeFlow(gateway(), c, flow)
  return c.redirect((await codeRequestUrl(gateway(), connection, flow, { loginHint: query.login_hint })).href, 302)
})

/** Back to the sign-in page with a reason that it knows; what went wrong in detail is in the log. */
function backToSignIn(c: AppContext, error: unknown, flow?: SsoFlow): Response {
  if (!(error instanceof GatewayError) || error.status === 429) throw error
  c.set('refused', error)
  const query = { error: error.refusal, ...(flow?.platform === 'web' && flow.returnTo && { return_to: flow.returnTo }) }
  return c.redirect(`/web/login?${new URLSearchParams(query)}`, 302)
}

/** The flow this answer belongs to: begun in this browser, for this provider, and never answered before. */
async function takeFlow(c: AppContext, slug: string, state: string | null): Promise<SsoFlow> {
  const flow = readFlow(gateway(), c)
  const invalid = (reason: string) => new GatewayError('sso_state_invalid', { reason })
  if (!flow) throw invalid('no flow in this browser')
  if (flow.slug !== slug) throw invalid('answer of another provider')
  if (flow.state !== state) throw invalid('another state')
  const first = await claimOnce(gateway().reads, 'sso-state', [flow.state], new Date(flow.until))
  if (!first) throw invalid('answered before')
  return flow
}

app.get(`${CALLBACK}/:slug`, async (c) => {
  const slug = c.req.param('slug').toLowerCase()
  const answer = new URL(`${gateway().issuer}${CALLBACK}/${slug}`)
  answer.search = new URL(c.req.url).search
  let flow: SsoFlow | undefined
  try {
    const connection = await enabled(slug)
    flow = await takeFlow(c, connection.slug, answer.searchParams.get('state'))
    clearFlow(c)
    const profile = await finishCodeRequest(gateway(), connection, flow, answer)
    return await finish(c, connection, flow, profile, connection.settings.protocol)
  } catch (error) {
    return backToSignIn(c, error, flow)
  }
})

/** An answer that is posted (`form_post`) is brought again as a request that carries this browser's cookies. */
app.post(`${CALLBACK}/:slug`, async (c) => {
  const slug = c.req.param('slug').toLowerCase()
  const query = new URLSearchParams(await c.req.text())
  for (const name of [...query.keys()]) if (!/^(code|state|iss|error|error_description)$/.test(name)) query.delete(name)
  return c.redirect(`${CALLBACK}/${encodeURIComponent(slug)}?${query}`, 303)
})

async function finish(
  c: AppContext,
  connection: ConnectionRow,
  flow: SsoFlow,
  profile: ExternalProfile,
  method: string,
): Promise<Response> {
  const account = { provider: connection.slug, externalId: profile.externalId, method, assertedBy: connection.slug }
  if (flow.purpose === 'link') return link(c, flow, account)
  const replaces = flow.platform === 'web' ? await browserSession(gateway(), c) : undefined
  const { platform, projectScope: scope } = flow
  const clientId = platform === 'web' ? undefined : clientOfPlatform(platform)
  const input = { connection, profile, method, platform, projectScope: scope, clientId, replaces }
  try {
    return await signInExternally(gateway(), c, input, async (work, signedIn) => {
      const { client } = signedIn
      if (platform === 'web') return { signedIn }
      if (client?.status !== 'active') throw new GatewayError('invalid_client', { reason: 'platform client' })
      return { signedIn, pair: startPair(gateway(), work, { ...signedIn, client }) }
    }).then(async ({ signedIn, pair }) => {
      if (!pair) return enter(c, flow, signedIn)
      const { access_token, refresh_token = '', expires_in } = await tokenResponse(gateway(), pair.grant, pair)
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
    writeSignIn(gateway(), c, { ...readSignIn(gateway(), c), email: profile.email, link: account })
    throw error
  }
}

type Entered = Parameters<Parameters<typeof signInExternally>[3]>[1]

/** The browser is signed in. */
function enter(c: AppContext, flow: SsoFlow, { person, session }: Entered): Response {
  setSessionCookies(c, {
    handle: session.handle,
    user: { id: person.uai, email: person.email, role: person.role },
    maxAge: gateway().config.SESSION_ABSOLUTE_SECONDS,
  })
  return c.redirect(flow.returnTo ?? `${gateway().config.DASHBOARD_URL}/dashboard`, 302)
}

async function link(c: AppContext, flow: SsoFlow, account: Parameters<typeof linkAccount>[2]): Promise<Response> {
  const signedIn = await browserSession(gateway(), c)
  if (!signedIn || signedIn.session.id !== flow.sessionId)
    throw new GatewayError('sso_state_invalid', { reason: 'begun in another session' })
  const { person, session } = signedIn
  const outcome = await commit(commitContext(gateway(), c), async (work) => {
    work.actor = { type: 'person', id: person.uai, sessionId: session.id }
    await linkAccount(gateway(), work, account, { person, sessionId: session.id })
    return 'linked'
  }).catch((error: unknown) => {
    if (error instanceof GatewayError && error.refusal === 'credential_taken') return 'taken'
    throw error
  })
  return c.redirect(`/account?done=${outcome}`, 302)
}

export default serve(app)
