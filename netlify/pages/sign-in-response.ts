import type { AppContext } from '../../shared/http/app.ts'
import { setSessionCookies } from '../../shared/http/cookies.ts'
import type { DirectSignIn } from '../../shared/sign-in/direct-sign-in.ts'
import type { Redirection } from '../../shared/sign-in/sign-in-steps.ts'

/** Redirects the browser, with its new session, if any. */
export function redirectTo(
  c: AppContext,
  { location, cookies, refused }: Redirection,
  status: 302 | 303 = 303,
): Response {
  setSessionCookies(c.var.call, cookies)
  if (refused) c.var.call.notes.refused = refused
  return c.redirect(location, status)
}

/** The body that answers a direct sign-in; a browser gets its cookies with it. */
export function signedInBody(c: AppContext, { tokens, user, cookies }: DirectSignIn) {
  setSessionCookies(c.var.call, cookies)
  return { ...tokens, user }
}

/** The same for clients that sign in with a password or a Supabase token: they read whether cookies were set. */
export const passwordBody = (c: AppContext, signIn: DirectSignIn) => ({
  ...signedInBody(c, signIn),
  cookies_set: signIn.cookies !== undefined,
})
