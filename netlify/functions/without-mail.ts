import * as z from 'zod/mini'
import { withGoal } from '../../shared/access/pages.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { WithoutMailPage } from '../../shared/http/pages/without-mail.tsx'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { browserSession } from '../../shared/identity/authenticate.ts'
import { signBrowserIn } from '../../shared/identity/browser-sign-in.ts'
import { checkCsrf, csrfToken } from '../../shared/identity/csrf.ts'
import { tellOfProofs } from '../../shared/identity/proof-notices.ts'
import {
  clearSignIn,
  readSignIn,
  type SignInUnderWay,
  withCookies,
  writeSignIn,
} from '../../shared/identity/sign-in-cookie.ts'
import { signInWithoutMail } from '../../shared/identity/sign-in-without-mail.ts'
import { endsAtClient } from '../../shared/oauth/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { findDomain } from '../../shared/queries/connections.ts'
import { emailDomain } from '../../shared/typed/email.ts'
import { typedEmail } from '../../shared/typed/fields.ts'

const PAGE = '/web/without-mail'
const app = createPageApp()

const form = once(() => z.object({ email: typedEmail(), code: z.string('otp_malformed') }))
const loose = once(() => z.object({ csrf: z.optional(z.string()), email: z.optional(z.string()) }))

/** What the person can mend on the page itself. */
function told(c: AppContext, error: unknown): GatewayError {
  if (error instanceof GatewayError && /^(otp_|missing_|invalid_email|sign_in_denied)/.test(error.refusal)) {
    c.set('refused', error)
    return error
  }
  throw error
}

function page(signIn: SignInUnderWay, shown: { email?: string; error?: GatewayError } = {}): Response {
  const { config, derive } = gateway()
  const { email = signIn.email, error } = shown
  return renderPage(
    WithoutMailPage({
      ...{ action: PAGE, csrf: csrfToken(derive, signIn.id), email, error: error?.message },
      backHref: withGoal('/web/login', signIn.returnTo),
    }),
    { status: error?.status, formAction: endsAtClient(signIn.returnTo ?? config.DASHBOARD_URL) },
  )
}

/** Goes on with the sign-in that this browser has begun. */
app.route('GET', PAGE, { authority: byProtocol('ceremony') }, (c) => {
  const signIn = readSignIn(gateway(), c)
  writeSignIn(gateway(), c, signIn)
  return withCookies(c, page(signIn))
})

/** The same answer for every address, known or not, and for every wrong code (standards S5). */
app.route('POST', PAGE, { authority: byProtocol('ceremony') }, async (c) => {
  const signIn = readSignIn(gateway(), c)
  const posted = await readBody(c, loose())
  checkCsrf(c, gateway().derive, signIn.id, posted.csrf)
  try {
    const { email, code } = await readBody(c, form())
    const connection = await findDomain(gateway().reads, emailDomain(email))
    if (connection) {
      const goal = signIn.returnTo && { redirect_uri: signIn.returnTo }
      const query = new URLSearchParams({ provider: connection.slug, login_hint: email, ...goal })
      return c.redirect(`/v1/auth/oauth?${query}`, 303)
    }
    const replaces = await browserSession(gateway(), c)
    const { person, session, method } = await signInWithoutMail(gateway(), c, { email, code, replaces })
    if (method === 'recovery_code') tellOfProofs(gateway(), c, person, 'recovery_code_used')
    clearSignIn(c)
    signBrowserIn(gateway(), c, { person, session })
    return c.redirect(signIn.returnTo ?? `${gateway().config.DASHBOARD_URL}/dashboard`, 303)
  } catch (error) {
    return page(signIn, { email: posted.email?.slice(0, 254), error: told(c, error) })
  }
})

export default serve(app)
