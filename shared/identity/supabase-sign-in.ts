import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { setSessionCookies } from '../http/cookies.ts'
import { tokenResponse } from '../oauth/token-response.ts'
import type { SignedIn } from '../queries/sessions.ts'
import type { ExternalProfile } from '../sso/profile.ts'
import { SUPABASE } from '../sso/supabase-project.ts'
import { checkOrigin } from './csrf.ts'
import { clientOfPlatform, startPair, userOf } from './direct-sign-in.ts'
import { type SignedInExternally, signInExternally } from './external-sign-in.ts'

type Wanted = { method: 'password' | 'supabase'; platform: string; projectScope: string }

const input = (profile: ExternalProfile, { method, platform, projectScope }: Wanted) => ({
  connection: SUPABASE,
  profile,
  method,
  platform,
  projectScope,
  ownMailbox: profile.emailVerified,
})

function setCookies({ config }: Gateway, c: AppContext, { person, session }: SignedInExternally): void {
  setSessionCookies(c, {
    handle: session.handle,
    user: { id: person.uai, email: person.email, role: person.role },
    maxAge: config.SESSION_ABSOLUTE_SECONDS,
  })
}

/**
 * Signs a Supabase user in and answers with a token pair; browsers get cookies besides.
 * @throws GatewayError link_needed, access_denied, csrf_invalid
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
  if (isWeb) setCookies(gateway, c, signedIn)
  return { ...tokens, user: userOf(signedIn.person, wanted.projectScope), cookies_set: isWeb }
}

/** Signs a Supabase user in at this browser. @throws GatewayError link_needed, access_denied */
export async function enterAsSupabaseUser(
  gateway: Gateway,
  c: AppContext,
  profile: ExternalProfile,
  wanted: { projectScope: string; replaces?: SignedIn },
): Promise<void> {
  const { projectScope, replaces } = wanted
  const asked = input(profile, { method: 'password', platform: 'web', projectScope })
  setCookies(gateway, c, await signInExternally(gateway, c, { ...asked, replaces }, (_work, found) => found))
}
