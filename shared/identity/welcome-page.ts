import { dashboardUrl } from '../config.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { renderPage } from '../http/pages/render.ts'
import { SignedInPage } from '../http/pages/signed-in.tsx'
import type { SignedIn } from '../queries/sessions.ts'
import { newFormToken } from './form-token.ts'

/** What a person sees who is signed in and has nowhere to go on to. */
export function welcomePage(gateway: Gateway, c: AppContext, { person, session }: SignedIn): Response {
  return renderPage(
    SignedInPage({
      email: person.email,
      uai: person.uai,
      dashboardHref: dashboardUrl(gateway.config),
      signOutAction: '/web/logout',
      csrf: newFormToken(gateway, c, { about: session.id }),
    }),
  )
}
