import { newFormToken } from '../../shared/access/form-token.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { endSession } from '../../shared/sign-in/end-session.ts'
import { providerLogoutOrigins, providerLogoutPath } from '../../shared/sso/provider-logout.ts'
import { ConfirmSignOutPage } from './confirm-sign-out.tsx'
import type { Shown } from './form.ts'
import { renderPage } from './render.ts'

/** Ends the session of this browser and returns where it goes next. */
export async function signOut(
  c: AppContext,
  { person, session }: SignedIn,
  returnTo: string | undefined,
): Promise<string | undefined> {
  const elsewhere = await providerLogoutPath(c.var.call.gateway, session.id)
  await endSession(c.var.call, person, session.id, 'logout', { sessionId: session.id })
  clearSessionCookies(c.var.call)
  return elsewhere ?? returnTo
}

/** Asks for confirmation to sign out. */
export async function confirmSignOutPage(
  c: AppContext,
  { person, session }: SignedIn,
  asked: { action: string; returnHref?: string; returnHost?: string; hidden: Record<string, string | undefined> },
  { status, error }: Pick<Shown, 'status' | 'error'> = {},
): Promise<Response> {
  const { returnHref } = asked
  return renderPage(
    ConfirmSignOutPage({
      ...asked,
      csrf: newFormToken(c.var.call, { about: session.id }),
      email: person.email,
      error,
    }),
    {
      status,
      formAction: [
        ...(returnHref ? [returnHref] : []),
        ...(await providerLogoutOrigins(c.var.call.gateway, session.id)),
      ],
    },
  )
}
