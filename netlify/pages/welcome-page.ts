import { newFormToken } from '../../shared/access/form-token.ts'
import { dashboardUrl } from '../../shared/config.ts'
import type { Gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { renderPage } from './render.ts'
import { SignedInPage } from './signed-in.tsx'

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
