import * as z from 'zod/mini'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import {
  ConfirmAddressPage,
  ForgotPasswordPage,
  LinkSentPage,
  PasswordPage,
  ResetPasswordPage,
  SignUpPage,
} from '../../shared/http/pages/password.tsx'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { browserSession } from '../../shared/identity/authenticate.ts'
import { checkCsrf, csrfToken } from '../../shared/identity/csrf.ts'
import { accountOf } from '../../shared/identity/external-account.ts'
import { credentialsInput, optionalName } from '../../shared/identity/password-input.ts'
import { projectScope } from '../../shared/identity/project-scope.ts'
import { recordRefusals } from '../../shared/identity/record-refusals.ts'
import { safeReturnTo } from '../../shared/identity/return-to.ts'
import { clearSignIn, readSignIn, withCookies, writeSignIn } from '../../shared/identity/sign-in-cookie.ts'
import { enterAsSupabaseUser } from '../../shared/identity/supabase-sign-in.ts'
import { checkPassword, followLink, hasPasswords, sendRecovery, signUp } from '../../shared/identity/supabase-users.ts'
import { endsAtClient } from '../../shared/oauth/authorize-url.ts'
import { once } from '../../shared/once.ts'
import type { ExternalProfile } from '../../shared/sso/profile.ts'
import { SUPABASE } from '../../shared/sso/supabase-project.ts'

const app = createPageApp({ around: recordRefusals(gateway) })
const address = once(() => z.optional(z.string().check(z.maxLength(4000))))
export const pageQuery = once(() =>
  z.object({ return_to: address(), email: z.optional(z.string().check(z.maxLength(254))) }),
)
const formFields = once(() => ({ csrf: z.optional(z.string()), return_to: address() }))

type Shown = { error?: string; email?: string; name?: string }
type Render = (form: { action: string; csrf: string; returnTo?: string } & Shown) => ReturnType<typeof PasswordPage>

const PAGES: Record<string, Render> = {
  '/web/password': PasswordPage,
  '/web/signup': SignUpPage,
  '/web/forgot-password': ForgotPasswordPage,
}

/** A page with its form, bound to this browser. */
function show(
  c: AppContext,
  action: string,
  page: Render,
  shown: Shown & { returnTo?: string } = {},
  status = 200,
): Response {
  const signIn = readSignIn(gateway(), c)
  const returnTo = shown.returnTo ?? signIn.returnTo
  writeSignIn(gateway(), c, { ...signIn, returnTo })
  const form = { ...shown, action, csrf: csrfToken(gateway().derive, signIn.id), returnTo }
  const ends = endsAtClient(returnTo ?? gateway().config.DASHBOARD_URL)
  return withCookies(c, renderPage(page(form), { status, formAction: ends }))
}

for (const [path, page] of Object.entries(PAGES))
  app.route('GET', path, { authority: byProtocol('ceremony') }, (c) => {
    if (!hasPasswords(gateway())) return c.redirect(`/web/login${new URL(c.req.url).search}`, 302)
    const { return_to, email } = readQuery(c, pageQuery())
    return show(c, path, page, { returnTo: safeReturnTo(gateway().config, return_to), email })
  })

/** What the person can mend on the page itself. */
const MENDABLE = /^(credentials_|email_not|weak_|missing_|invalid_email|invalid_request|recovery_|rate_limited)/

/** Does what a form asks for, or shows the form again with what is wrong with it. */
async function take(c: AppContext, path: string, page: Render, work: () => Promise<Response>): Promise<Response> {
  const loose = await readBody(
    c,
    z.object({ ...formFields(), email: z.optional(z.string()), name: z.optional(z.string()) }),
  )
  checkCsrf(c, gateway().derive, readSignIn(gateway(), c).id, loose.csrf)
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof GatewayError) || !MENDABLE.test(error.refusal)) throw error
    c.set('refused', error)
    const returnTo = safeReturnTo(gateway().config, loose.return_to)
    const shown = { error: error.message, email: loose.email?.slice(0, 254), name: loose.name?.slice(0, 200), returnTo }
    return show(c, path, page, shown, error.status)
  }
}

/** The browser is signed in and goes where it was going; where the address is somebody's here, its owner proves it first. */
async function enter(c: AppContext, profile: ExternalProfile): Promise<Response> {
  const signIn = readSignIn(gateway(), c)
  const { returnTo } = signIn
  const replaces = await browserSession(gateway(), c)
  try {
    await enterAsSupabaseUser(gateway(), c, profile, { projectScope: projectScope(undefined), replaces })
  } catch (error) {
    if (!(error instanceof GatewayError) || !/^(link_needed|more_proof_needed)$/.test(error.refusal)) throw error
    c.set('refused', error)
    const link = accountOf({ connection: SUPABASE, profile, method: 'password' })
    writeSignIn(gateway(), c, { ...signIn, email: profile.email, link })
    const query = { error: error.refusal, ...(returnTo && { return_to: returnTo }) }
    return c.redirect(`/web/login?${new URLSearchParams(query)}`, 303)
  }
  clearSignIn(c)
  return c.redirect(returnTo ?? `${gateway().config.DASHBOARD_URL}/dashboard`, 303)
}

app.route('POST', '/web/password', { authority: byProtocol('ceremony') }, (c) =>
  take(c, '/web/password', PasswordPage, async () =>
    enter(
      c,
      await checkPassword(gateway(), c, await readBody(c, z.object({ ...formFields(), ...credentialsInput() }))),
    ),
  ),
)

export const signUpForm = once(() => z.object({ ...formFields(), ...credentialsInput(), name: optionalName() }))

app.route('POST', '/web/signup', { authority: byProtocol('ceremony') }, (c) =>
  take(c, '/web/signup', SignUpPage, async () => {
    const profile = await signUp(gateway(), c, await readBody(c, signUpForm()))
    return profile ? enter(c, profile) : renderPage(LinkSentPage())
  }),
)

app.route('POST', '/web/forgot-password', { authority: byProtocol('ceremony') }, (c) =>
  take(c, '/web/forgot-password', ForgotPasswordPage, async () => {
    const { email } = await readBody(c, z.object({ ...formFields(), email: credentialsInput().email }))
    await sendRecovery(gateway(), c, email)
    return renderPage(LinkSentPage())
  }),
)

const tokenHash = once(() => z.string('recovery_invalid').check(z.regex(/^[\w-]{8,200}$/, 'recovery_invalid')))
export const linkQuery = once(() => z.object({ token_hash: tokenHash() }))

/** Where the links that Supabase Auth mails lead; only the button consumes them. */
const resetPage =
  (hash: string): Render =>
  (form) =>
    ResetPasswordPage({ ...form, tokenHash: hash })
const confirmPage =
  (hash: string): Render =>
  (form) =>
    ConfirmAddressPage({ ...form, tokenHash: hash })

app.route('GET', '/web/reset-password', { authority: byProtocol('ceremony') }, (c) =>
  show(c, '/web/reset-password', resetPage(readQuery(c, linkQuery()).token_hash)),
)
app.route('GET', '/web/confirm', { authority: byProtocol('ceremony') }, (c) =>
  show(c, '/web/confirm', confirmPage(readQuery(c, linkQuery()).token_hash)),
)

app.route('POST', '/web/reset-password', { authority: byProtocol('ceremony') }, async (c) => {
  const { token_hash } = await readBody(c, linkQuery())
  return take(c, '/web/reset-password', resetPage(token_hash), async () => {
    const { password } = await readBody(c, z.object({ ...formFields(), password: credentialsInput().password }))
    return enter(c, await followLink(gateway(), { token_hash, type: 'recovery' }, password))
  })
})

app.route('POST', '/web/confirm', { authority: byProtocol('ceremony') }, async (c) => {
  const { token_hash } = await readBody(c, linkQuery())
  return take(c, '/web/confirm', confirmPage(token_hash), async () =>
    enter(c, await followLink(gateway(), { token_hash, type: 'email' })),
  )
})

export default serve(app)
