import { newFormToken } from '../../shared/access/form-token.ts'
import { dashboardUrl } from '../../shared/config.ts'
import type { AppContext } from '../../shared/http/app.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { renderPage } from './render.ts'
import { SignedInPage } from './signed-in.tsx'

/** Returns the page for a signed-in person without `return_to`. */
export function welcomePage(c: AppContext, { person, session }: SignedIn): Response {
  return renderPage(
    SignedInPage({
      email: person.email,
      uai: person.uai,
      dashboardHref: dashboardUrl(c.var.call.gateway.config),
      signOutAction: '/web/logout',
      csrf: newFormToken(c.var.call, { about: session.id }),
    }),
  )
}
