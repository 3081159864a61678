import { browserSession } from '../access/authenticate.ts'
import { signInEnd } from '../access/return-to.ts'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { StartedFamily } from '../oauth/token/token-family.ts'
import { tokenResponse } from '../oauth/token/token-response.ts'
import { digestsOf, linkAccount } from '../people/external-account.ts'
import type { ExternalProfile } from '../people/profile.ts'
import { tellOfProofs } from '../people/proof-notices.ts'
import { nameOfMethod } from '../people/sign-in-methods.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import { findExternal } from '../queries/external-accounts.ts'
import { signBrowserIn } from '../sign-in/browser-sign-in.ts'
import { clientOfPlatform, startPair } from '../sign-in/direct-sign-in.ts'
import { signInExternally } from '../sign-in/external-sign-in.ts'
import { keepTransaction, newTransaction, transactionUrl } from '../sign-in/sign-in-transaction.ts'
import type { SsoFlow } from './flow.ts'
import { SUPABASE_SLUG } from './supabase-project.ts'

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
    }).then(({ signedIn, pair }) => (pair ? handOver(gateway, c, flow, pair) : enter(gateway, c, flow, signedIn)))
  } catch (error) {
    if (!(error instanceof GatewayError) || !/^(link_needed|more_proof_needed)$/.test(error.refusal)) throw error
    const { digest } = digestsOf(gateway, { connection, profile, method })
    const { person: holder } = await findExternal(gateway.reads, gateway.personal, { digest })
    if (flow.foreign && !holder) throw new GatewayError('sign_in_to_link', { reason: 'begun by another site' })
    c.set('refused', error)
    const waiting = newTransaction({ email: profile.email, link: account, returnTo: flow.returnTo })
    await keepTransaction(gateway, c, waiting)
    return c.redirect(transactionUrl('/web/login', waiting, { error: error.refusal }), 302)
  }
}

type Entered = Parameters<Parameters<typeof signInExternally>[3]>[1]

/** The browser is signed in. */
function enter(gateway: Gateway, c: AppContext, flow: SsoFlow, { person, session }: Entered): Response {
  signBrowserIn(gateway, c, { person, session })
  return c.redirect(flow.returnTo ?? signInEnd(gateway.config), 302)
}

/** A program of ours gets its tokens at the address that it registered (wire-contract 1.4). */
async function handOver(gateway: Gateway, c: AppContext, flow: SsoFlow, pair: StartedFamily): Promise<Response> {
  const { slug: provider, projectScope: project_scope, returnTo = '' } = flow
  const { access_token, refresh_token = '', expires_in } = await tokenResponse(gateway, pair.grant, pair)
  const tokens = { access_token, refresh_token, expires_in: String(expires_in), project_scope, provider }
  return c.redirect(`${returnTo}${returnTo.includes('?') ? '&' : '?'}${new URLSearchParams(tokens)}`, 302)
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
    return (await linkAccount(gateway, work, account, { person, sessionId: session.id })) ? 'linked' : 'own'
  }).catch((error: unknown) => {
    if (error instanceof GatewayError && error.refusal === 'credential_taken') return 'taken'
    throw error
  })
  const name = nameOfMethod({ provider: account.provider })
  if (outcome === 'linked') tellOfProofs(gateway, c, person, 'sign_in_method_added', name)
  return c.redirect(`/account?done=${outcome}`, 302)
}
