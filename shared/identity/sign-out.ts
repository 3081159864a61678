import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { clearSessionCookies } from '../http/cookies.ts'
import { ConfirmSignOutPage } from '../http/pages/confirm-sign-out.tsx'
import { renderPage } from '../http/pages/render.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { endSession } from './end-session.ts'
import type { Shown } from './form.ts'
import { newFormToken } from './form-token.ts'
import { providerLogoutOrigins, providerLogoutPath } from './provider-logout.ts'

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
