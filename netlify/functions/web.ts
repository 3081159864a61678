import * as z from 'zod/mini'
import { catalogue, GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { ConfirmSignOutPage } from '../../shared/http/pages/confirm-sign-out.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { SignedInPage } from '../../shared/http/pages/signed-in.tsx'
import { SignedOutPage } from '../../shared/http/pages/signed-out.tsx'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { browserSession } from '../../shared/identity/authenticate.ts'
import { signBrowserIn } from '../../shared/identity/browser-sign-in.ts'
import { type CodeAddress, mailbox, telephone } from '../../shared/identity/code-address.ts'
import { checkCsrf, csrfToken, isForeignPost, isOwnNavigation } from '../../shared/identity/csrf.ts'
import { endSession } from '../../shared/identity/end-session.ts'
import { signInWithCode } from '../../shared/identity/one-time-code.ts'
import { projectScope } from '../../shared/identity/project-scope.ts'
import { providerLogoutOrigins, providerLogoutPath } from '../../shared/identity/provider-logout.ts'
import { safeReturnTo } from '../../shared/identity/return-to.ts'
import { sendCode } from '../../shared/identity/send-code.ts'
import {
  browserHashOf,
  clearSignIn,
  readSignIn,
  type SignInUnderWay,
  withCookies,
  writeSignIn,
} from '../../shared/identity/sign-in-cookie.ts'
import { codePage, openSignIn, signInPage } from '../../shared/identity/sign-in-pages.ts'
import { once } from '../../shared/once.ts'
import { findDomain } from '../../shared/queries/connections.ts'
import { findOutcome } from '../../shared/queries/messages.ts'
import type { SignedIn } from '../../shared/queries/sessions.ts'
import { emailDomain } from '../../shared/typed/email.ts'
import { typedCode, typedEmail, typedPhone } from '../../shared/typed/fields.ts'

const posted = once(() => ({
  csrf: z.optional(z.string()),
  return_to: z.optional(z.string().check(z.maxLength(4000))),
}))
export const addressForm = once(() =>
  z.object({ ...posted(), email: z.optional(z.string()), phone: z.optional(z.string()) }),
)
const emailForm = once(() => z.object({ ...posted(), email: typedEmail() }))
const phoneForm = once(() => z.object({ ...posted(), phone: typedPhone() }))
export const codeForm = once(() => z.object({ code: typedCode(), csrf: z.optional(z.string()) }))
export const csrfForm = once(() => z.object(posted()))

const app = createPageApp()

/** A sentence on the page for what the person can mend there; anything else is an error page. */
function sentence(c: AppContext, error: unknown): string {
  if (
    error instanceof GatewayError &&
    /^(otp_|missing_|invalid_email|invalid_phone|phone_|sms_|credential_taken|sign_in_denied|more_proof_needed)/.test(
      error.refusal,
    )
  ) {
    c.set('refused', error)
    return error.message
  }
  throw error
}

app.route('GET', '/auth/login', { authority: byProtocol('ceremony') }, (c) =>
  c.redirect(`/web/login${new URL(c.req.url).search}`, 302),
)

app.route('GET', '/web/login', { authority: byProtocol('ceremony') }, (c) =>
  openSignIn(gateway(), c, {
    welcome: ({ person, session }) =>
      renderPage(
        SignedInPage({
          email: person.email,
          uai: person.uai,
          dashboardHref: gateway().config.DASHBOARD_URL,
          signOutAction: '/web/logout',
          csrf: csrfToken(gateway().derive, session.id),
        }),
      ),
  }),
)

app.route('POST', '/web/login', { authority: byProtocol('ceremony') }, async (c) => {
  const signIn = readSignIn(gateway(), c)
  const loose = await readBody(c, addressForm())
  checkCsrf(c, gateway().derive, signIn.id, loose.csrf)
  try {
    const byPhone = loose.phone !== undefined && !signIn.link
    const to = byPhone
      ? await telephone(gateway(), (await readBody(c, phoneForm())).phone)
      : mailbox((await readBody(c, emailForm())).email)
    const domain = byPhone || signIn.link ? undefined : emailDomain(to.address)
    const connection = domain ? await findDomain(gateway().reads, domain) : undefined
    if (connection) {
      const query = {
        provider: connection.slug,
        login_hint: to.address,
        ...(signIn.returnTo && { redirect_uri: signIn.returnTo }),
      }
      return c.redirect(`/v1/auth/oauth?${new URLSearchParams(query)}`, 303)
    }
    await sendTo(c, { ...signIn, email: byPhone ? signIn.email : to.address, to })
    return c.redirect('/web/code', 303)
  } catch (error) {
    const status = error instanceof GatewayError ? error.status : 500
    const typed = { email: loose.email?.slice(0, 254), phone: loose.phone?.slice(0, 40) }
    return await signInPage(gateway(), signIn, { error: sentence(c, error), status, ...typed })
  }
})

/** Sends a code for the sign-in of this browser, which from then on waits for that one. */
async function sendTo(c: AppContext, signIn: SignInUnderWay & { to: CodeAddress }): Promise<SignInUnderWay> {
  const { to, challengeId: replaces, clientHost, brand } = signIn
  const clientName = clientHost === undefined ? signIn.clientName : undefined
  const browserHash = browserHashOf(signIn)
  const challengeId = await sendCode(gateway(), c, { to, browserHash, replaces, clientName, brand })
  const waiting = { ...signIn, challengeId }
  writeSignIn(gateway(), c, waiting)
  return waiting
}

app.route('GET', '/web/code', { authority: byProtocol('ceremony') }, async (c) => {
  const signIn = readSignIn(gateway(), c)
  if (!signIn.challengeId) return c.redirect('/web/login', 302)
  const outcome = await findOutcome(gateway().reads, signIn.challengeId)
  const error = outcome === 'bounced' ? catalogue.otp_undeliverable.message : undefined
  return codePage(gateway(), signIn, { error })
})

app.route('POST', '/web/code/resend', { authority: byProtocol('ceremony') }, async (c) => {
  const signIn = readSignIn(gateway(), c)
  const { csrf } = await readBody(c, csrfForm())
  checkCsrf(c, gateway().derive, signIn.id, csrf)
  const { to } = signIn
  if (!to) return c.redirect('/web/login', 303)
  try {
    const waiting = await sendTo(c, { ...signIn, to })
    return withCookies(c, codePage(gateway(), waiting, { notice: 'A new code is on its way.' }))
  } catch (error) {
    return codePage(gateway(), signIn, {
      error: sentence(c, error),
      status: error instanceof GatewayError ? error.status : 500,
    })
  }
})

app.route('POST', '/web/code', { authority: byProtocol('ceremony') }, async (c) => {
  const signIn = readSignIn(gateway(), c)
  const { csrf } = await readBody(c, csrfForm())
  checkCsrf(c, gateway().derive, signIn.id, csrf)
  const { to, challengeId } = signIn
  if (!to || !challengeId) return c.redirect('/web/login', 303)
  try {
    const { code } = await readBody(c, codeForm())
    const replaces = await browserSession(gateway(), c)
    const { person, session } = await signInWithCode(
      gateway(),
      c,
      {
        to,
        code,
        challengeId,
        browserHash: browserHashOf(signIn),
        link: signIn.link,
        platform: 'web',
        projectScope: projectScope(undefined),
        replaces,
      },
      (_work, signedIn) => signedIn,
    )
    clearSignIn(c)
    signBrowserIn(gateway(), c, { person, session })
    return c.redirect(signIn.returnTo ?? `${gateway().config.DASHBOARD_URL}/dashboard`, 303)
  } catch (error) {
    return codePage(gateway(), signIn, {
      error: sentence(c, error),
      status: error instanceof GatewayError ? error.status : 500,
    })
  }
})

/** Ends the session and says where the browser goes next. */
async function signOut(c: AppContext, { person, session }: SignedIn, returnTo: string | undefined) {
  const elsewhere = await providerLogoutPath(gateway(), session.id)
  await endSession(gateway(), c, person, session.id, 'logout', { sessionId: session.id })
  clearSessionCookies(c)
  return elsewhere ?? returnTo
}

/** Our own pages sign people out by this link (wire-contract 1.5 and 5.4); anybody else's only ask whether they want to. */
app.route('GET', '/web/logout', { authority: byProtocol('ceremony') }, async (c) => {
  const returnTo = safeReturnTo(gateway().config, readQuery(c, csrfForm()).return_to)
  const signedIn = await browserSession(gateway(), c)
  if (!signedIn) {
    clearSessionCookies(c)
    return c.redirect(returnTo ?? '/web/login', 302)
  }
  if (isOwnNavigation(c)) return c.redirect((await signOut(c, signedIn, returnTo)) ?? '/web/login', 302)
  return renderPage(
    ConfirmSignOutPage({
      action: '/web/logout',
      csrf: csrfToken(gateway().derive, signedIn.session.id),
      email: signedIn.person.email,
      returnHref: returnTo,
      hidden: returnTo ? { return_to: returnTo } : {},
    }),
    { formAction: [...(returnTo ? [returnTo] : []), ...(await providerLogoutOrigins(gateway(), signedIn.session.id))] },
  )
})

app.route('POST', '/web/logout', { authority: byProtocol('ceremony') }, async (c) => {
  const { csrf, return_to } = await readBody(c, csrfForm())
  const returnTo = safeReturnTo(gateway().config, return_to)
  const signedIn = await browserSession(gateway(), c)
  if (!signedIn && isForeignPost(c)) throw new GatewayError('csrf_invalid')
  if (signedIn) checkCsrf(c, gateway().derive, signedIn.session.id, csrf)
  else clearSessionCookies(c)
  const next = signedIn ? await signOut(c, signedIn, returnTo) : returnTo
  return next ? c.redirect(next, 303) : withCookies(c, renderPage(SignedOutPage({ continueHref: '/web/login' })))
})

export default serve(app)
