import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { setSessionCookies } from '../http/cookies.ts'
import type { Person } from '../queries/person.ts'
import { rememberBrowser } from './known-browser.ts'
import type { StartedSession } from './start-session.ts'

/** Hands a new session to this browser, which is known to the person from then on. */
export function signBrowserIn(
  gateway: Gateway,
  c: AppContext,
  { person, session }: { person: Person; session: Pick<StartedSession, 'id' | 'handle'> },
): void {
  setSessionCookies(c, {
    handle: session.handle,
    user: { id: person.uai, email: person.email, role: person.role },
    maxAge: gateway.config.SESSION_ABSOLUTE_SECONDS,
  })
  rememberBrowser(gateway, c, { uai: person.uai, sessionId: session.id })
}
