import { checkOrigin } from '../access/csrf.ts'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { tokenResponse } from '../oauth/token/token-response.ts'
import { accountOf, linkAccount } from '../people/external-account.ts'
import type { ExternalProfile } from '../people/profile.ts'
import { tellOfProofs } from '../people/proof-notices.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { signBrowserIn } from '../sign-in/browser-sign-in.ts'
import { clientOfPlatform, startPair, userOf } from '../sign-in/direct-sign-in.ts'
import { signInExternally } from '../sign-in/external-sign-in.ts'
import { SUPABASE } from './supabase-project.ts'

type Wanted = { method: 'password' | 'supabase'; platform: string; projectScope: string }

const input = (profile: ExternalProfile, { method, platform, projectScope }: Wanted) => ({
  connection: SUPABASE,
  profile,
  method,
  platform,
  projectScope,
  ownMailbox: profile.emailVerified,
})

/**
 * Signs a Supabase user in and answers with a token pair; browsers get cookies besides.
 * @throws GatewayError link_needed, account_suspended, csrf_invalid
 */
export async function pairForSupabaseUser(gateway: Gateway, c: AppContext, profile: ExternalProfile, wanted: Wanted) {
  if (wanted.platform === 'web') checkOrigin(c, gateway.issuer)
  const clientId = clientOfPlatform(wanted.platform)
  const { signedIn, pair } = await signInExternally(
    gateway,
    c,
    { ...input(profile, wanted), clientId },
    (work, found) => {
      const { client } = found
      if (client?.status !== 'active') throw new GatewayError('invalid_client', { reason: 'platform client' })
      return { signedIn: found, pair: startPair(gateway, work, { ...found, client }) }
    },
  )
  const tokens = await tokenResponse(gateway, pair.grant, pair)
  const isWeb = wanted.platform === 'web'
  if (isWeb) signBrowserIn(gateway, c, signedIn)
  return { ...tokens, user: userOf(signedIn.person, wanted.projectScope), cookies_set: isWeb }
}

/**
 * Makes the account of a Supabase user a way to sign in of a person who has lately proven to be themselves.
 * @throws GatewayError credential_taken
 */
export async function linkSupabaseUser(
  gateway: Gateway,
  c: AppContext,
  profile: ExternalProfile,
  { person, session }: { person: Person; session: SessionFacts },
): Promise<void> {
  const account = accountOf({ connection: SUPABASE, profile, method: 'supabase' })
  const isLinked = await commit(commitContext(gateway, c), async (work) => {
    work.actor = { type: 'person', id: person.uai, sessionId: session.id }
    return linkAccount(gateway, work, account, { person, sessionId: session.id })
  })
  if (isLinked) tellOfProofs(gateway, c, person, 'sign_in_method_added', SUPABASE.settings.name)
}

/** Signs a Supabase user in at this browser. @throws GatewayError link_needed, account_suspended */
export async function enterAsSupabaseUser(
  gateway: Gateway,
  c: AppContext,
  profile: ExternalProfile,
  wanted: { projectScope: string; replaces?: SignedIn },
): Promise<void> {
  const { projectScope, replaces } = wanted
  const asked = input(profile, { method: 'password', platform: 'web', projectScope })
  signBrowserIn(gateway, c, await signInExternally(gateway, c, { ...asked, replaces }, (_work, found) => found))
}
