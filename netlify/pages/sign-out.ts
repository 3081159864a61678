import { newFormToken } from '../../shared/access/form-token.ts'
import type { Gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { endSession } from '../../shared/sign-in/end-session.ts'
import { providerLogoutOrigins, providerLogoutPath } from '../../shared/sso/provider-logout.ts'
import { ConfirmSignOutPage } from './confirm-sign-out.tsx'
import type { Shown } from './form.ts'
import { renderPage } from './render.ts'

/** Ends the session of this browser and says where the browser goes next. */
export async function signOut(
  gateway: Gateway,
  c: AppContext,
  { person, session }: SignedIn,
  returnTo: string | undefined,
): Promise<string | undefined> {
  const elsewhere = await providerLogoutPath(gateway, session.id)
  await endSession(gateway, c, person, session.id, 'logout', { sessionId: session.id })
  clearSessionCookies(c)
  return elsewhere ?? returnTo
}

/** Asks whether to sign out, and carries what follows. */
export async function confirmSignOutPage(
  gateway: Gateway,
  c: AppContext,
  { person, session }: SignedIn,
  asked: { action: string; returnHref?: string; returnHost?: string; hidden: Record<string, string | undefined> },
  { status, error }: Pick<Shown, 'status' | 'error'> = {},
): Promise<Response> {
  const { returnHref } = asked
  return renderPage(
    ConfirmSignOutPage({
      ...asked,
      csrf: newFormToken(gateway, c, { about: session.id }),
      email: person.email,
      error,
    }),
    {
      status,
      formAction: [...(returnHref ? [returnHref] : []), ...(await providerLogoutOrigins(gateway, session.id))],
    },
  )
}
