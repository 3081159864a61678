import { browserSession } from '../access/authenticate.ts'
import { signInEnd } from '../access/return-to.ts'
import type { Call } from '../call.ts'
import { GatewayError } from '../errors.ts'
import type { TokenResponse } from '../oauth/token/token-response.ts'
import {
  accountOf,
  addAccount,
  digestsOf,
  type ProvenAccount,
  type ProviderAccount,
} from '../people/external-account.ts'
import { findExternal } from '../queries/identities.ts'
import { completeSignIn } from '../sign-in/complete.ts'
import { signInDirectly } from '../sign-in/direct-sign-in.ts'
import { accountMethod } from '../sign-in/external-sign-in.ts'
import { needsMailbox, proveMailboxFirst, type Redirection } from '../sign-in/sign-in-steps.ts'
import { newTransaction } from '../sign-in/sign-in-transaction.ts'
import type { SsoFlow } from './flow.ts'
import { SUPABASE_SLUG } from './supabase-project.ts'

/** Completes a flow whose account is verified: signs the person in, or links the account to the signed-in person. */
export async function finishFlow(
  call: Call,
  flow: SsoFlow,
  proven: Omit<ProviderAccount, 'ownMailbox'>,
): Promise<Redirection> {
  const { gateway } = call
  if (flow.purpose === 'link') return link(call, flow, accountOf(proven))
  const { connection, profile } = proven
  const account = { ...proven, ownMailbox: connection.slug === SUPABASE_SLUG && profile.emailVerified }
  const signIn = flow.platform === 'web' ? enter : redirectWithTokens
  return signIn(call, flow, account).catch(async (error: unknown) => {
    if (!needsMailbox(error)) throw error
    const { person: holder } = await findExternal(gateway.reads, gateway.personal, {
      digest: digestsOf(gateway, account).digest,
    })
    if (flow.foreign && !holder) throw new GatewayError('sign_in_to_link', { reason: 'started by another site' })
    const waiting = newTransaction({ email: profile.email, link: accountOf(account), returnTo: flow.returnTo })
    return proveMailboxFirst(call, error, waiting)
  })
}

/** Signs the browser in. A flow that another site started never replaces the session of another person. */
async function enter(call: Call, flow: SsoFlow, account: ProviderAccount): Promise<Redirection> {
  const { platform, projectScope, foreign: samePerson } = flow
  const replaces = await browserSession(call)
  const request = { platform, projectScope, replaces, samePerson, page: { returnTo: flow.returnTo } }
  const { cookies } = await completeSignIn(call, accountMethod(call.gateway, account), request)
  return { location: flow.returnTo ?? signInEnd(call.gateway.config), cookies }
}

/** Redirects to the registered address of a first-party program with its tokens. */
async function redirectWithTokens(call: Call, flow: SsoFlow, account: ProviderAccount): Promise<Redirection> {
  const { slug, returnTo } = flow
  const page = { returnTo, handsTokensTo: slug }
  const { tokens } = await signInDirectly(call, accountMethod(call.gateway, account), { ...flow, page })
  return { location: tokensUrl(tokens, flow) }
}

/** Returns the address of a first-party program with its tokens (docs/wire-contract.md 1.4). */
export function tokensUrl(
  { access_token, refresh_token = '', expires_in }: TokenResponse,
  { slug: provider, projectScope: project_scope, returnTo = '' }: Pick<SsoFlow, 'slug' | 'projectScope' | 'returnTo'>,
): string {
  const handed = { access_token, refresh_token, expires_in: String(expires_in), project_scope, provider }
  return `${returnTo}${returnTo.includes('?') ? '&' : '?'}${new URLSearchParams(handed)}`
}

async function link(call: Call, flow: SsoFlow, account: ProvenAccount): Promise<Redirection> {
  const signedIn = await browserSession(call)
  if (!signedIn || signedIn.session.id !== flow.sessionId)
    throw new GatewayError('sso_state_invalid', { reason: 'started in another session' })
  const outcome = await addAccount(call, account, signedIn).then(
    (isLinked) => (isLinked ? 'linked' : 'own'),
    (error: unknown) => {
      if (error instanceof GatewayError && error.refusal === 'credential_taken') return 'taken'
      throw error
    },
  )
  return { location: `/account/sign-in?done=${outcome}` }
}
