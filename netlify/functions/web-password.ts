import * as z from 'zod/mini'
import { browserSession } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { projectScope } from '../../shared/access/project-scope.ts'
import { signInEnd } from '../../shared/access/return-to.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { accountOf } from '../../shared/people/external-account.ts'
import type { ExternalProfile } from '../../shared/people/profile.ts'
import { completeSignIn } from '../../shared/sign-in/complete.ts'
import { accountMethod } from '../../shared/sign-in/external-sign-in.ts'
import { credentialsInput, optionalName } from '../../shared/sign-in/fields.ts'
import { proveMailboxFirst } from '../../shared/sign-in/sign-in-steps.ts'
import {
  endTransaction,
  findMailGoal,
  newTransaction,
  noteMailGoal,
  openTransaction,
  type SignInTransaction,
} from '../../shared/sign-in/sign-in-transaction.ts'
import { supabaseAccount } from '../../shared/sso/supabase-project.ts'
import { checkPassword, followLink, hasPasswords, sendRecovery, signUp } from '../../shared/sync/supabase-users.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import {
  ConfirmAddressPage,
  ForgotPasswordPage,
  LinkSentPage,
  PasswordPage,
  ResetPasswordPage,
  SignUpPage,
} from '../pages/password.tsx'
import { renderPage } from '../pages/render.ts'
import { beginAgain } from '../pages/sign-in-pages.ts'
import { redirectTo } from '../pages/sign-in-response.ts'

const app = createFormApp('Sign-in pages')
app.use(translated)
const pageQuery = once(() =>
  z.object({
    t: z.optional(z.string()),
    return_to: returnToField(),
    email: z.optional(z.string().check(z.maxLength(254))),
  }),
)
const passwordForm = once(() => z.object({ return_to: returnToField(), ...credentialsInput() }))
const signUpForm = once(() => z.object({ return_to: returnToField(), ...credentialsInput(), name: optionalName() }))
const forgotForm = once(() => z.object({ return_to: returnToField(), email: credentialsInput().email }))
const tokenHash = once(() => z.string('recovery_invalid').check(z.regex(/^[\w-]{8,200}$/, 'recovery_invalid')))
const linkQuery = once(() => z.object({ token_hash: tokenHash() }))
const resetForm = once(() =>
  z.object({ return_to: returnToField(), token_hash: tokenHash(), password: credentialsInput().password }),
)
const confirmForm = once(() => z.object({ return_to: returnToField(), token_hash: tokenHash() }))

type PageProps = Parameters<typeof PasswordPage>[0] & { name?: string; tokenHash: string }
type Render = (props: PageProps) => ReturnType<typeof PasswordPage>

/** Renders a page with its form for one tab of the browser. */
function show(c: AppContext, action: string, page: Render, transaction: SignInTransaction, shown: Shown): Response {
  const { returnTo } = transaction
  const { typed, error, status } = shown
  const csrf = newFormToken(c.var.call, { transaction: transaction.id })
  const email = (typed.email ?? transaction.email)?.slice(0, 254)
  const props = {
    action,
    csrf,
    returnTo,
    error,
    email,
    name: typed.name?.slice(0, 200),
    tokenHash: typed.token_hash ?? '',
  }
  return renderPage(page(props), { status, formAction: endsAtClient(returnTo ?? signInEnd(gateway().config)) })
}

/** Registers a page that our own pages link to. */
function open(path: string, summary: string, page: Render): void {
  app.route('GET', path, { authority: byProtocol('ceremony'), operation: pageOperation(summary, pageQuery) })(
    async (c) => {
      if (!hasPasswords(gateway())) return c.redirect(`/web/login${new URL(c.req.url).search}`, 302)
      const { t, return_to, email } = readQuery(c, pageQuery())
      return show(c, path, page, await openTransaction(c.var.call, t, return_to), { typed: { email } })
    },
  )
}

/** Registers the target of a link in mails of Supabase Auth. Only its button uses the link; it returns to where the mail was requested. */
function openFromMail(path: string, summary: string, page: Render): void {
  app.route('GET', path, { authority: byProtocol('ceremony'), operation: pageOperation(summary, linkQuery) })(
    async (c) => {
      const typed = readQuery(c, linkQuery())
      const returnTo = await findMailGoal(c.var.call)
      return show(c, path, page, newTransaction({ returnTo }), { typed })
    },
  )
}

/** Registers the handler of a form. */
function take<Schema extends z.ZodMiniObject>(
  path: string,
  summary: string,
  page: Render,
  schema: () => Schema,
  act: (c: AppContext, input: z.output<Schema>, transaction: SignInTransaction) => Promise<Response>,
): void {
  app.route('POST', path, { authority: byProtocol('ceremony'), operation: formOperation(summary, schema) })((c) =>
    form(c, {
      schema: schema(),
      load: ({ transaction }, { return_to }) => openTransaction(c.var.call, transaction, return_to),
      render: (shown, transaction) => show(c, path, page, transaction, shown),
      restart: (expired) => beginAgain(c, expired, (shown, transaction) => show(c, path, page, transaction, shown)),
      act: (input, transaction) => act(c, input, transaction),
    }),
  )
}

/** Signs the browser in, or verifies the mailbox first: accounts are never linked by address alone. */
async function enter(c: AppContext, profile: ExternalProfile, transaction: SignInTransaction): Promise<Response> {
  const account = supabaseAccount(profile, 'password')
  const replaces = await browserSession(c.var.call)
  const page = { returnTo: transaction.returnTo }
  const request = { platform: 'web', projectScope: projectScope(undefined), replaces, page }
  try {
    const { cookies } = await completeSignIn(c.var.call, accountMethod(gateway(), account), request)
    await endTransaction(c.var.call, transaction)
    return redirectTo(c, { location: transaction.returnTo ?? signInEnd(gateway().config), cookies })
  } catch (error) {
    const waiting = { ...transaction, email: profile.email, link: accountOf(account) }
    return redirectTo(c, await proveMailboxFirst(c.var.call, error, waiting))
  }
}

open('/web/password', 'Shows the sign-in with a password', PasswordPage)
take('/web/password', 'Signs in with a password', PasswordPage, passwordForm, async (c, input, transaction) =>
  enter(c, await checkPassword(c.var.call, input), transaction),
)

open('/web/signup', 'Shows the sign-up with a password', SignUpPage)
take('/web/signup', 'Signs up with a password', SignUpPage, signUpForm, async (c, input, transaction) => {
  const profile = await signUp(c.var.call, input)
  if (profile) return enter(c, profile, transaction)
  await noteMailGoal(c.var.call, transaction.returnTo)
  return renderPage(LinkSentPage())
})

open('/web/forgot-password', 'Shows the form to request a password reset', ForgotPasswordPage)
take('/web/forgot-password', 'Requests a reset', ForgotPasswordPage, forgotForm, async (c, { email }, transaction) => {
  await sendRecovery(c.var.call, email)
  await noteMailGoal(c.var.call, transaction.returnTo)
  return renderPage(LinkSentPage())
})

openFromMail('/web/reset-password', 'Shows the form for a new password', ResetPasswordPage)
take(
  '/web/reset-password',
  'Sets the new password and signs in',
  ResetPasswordPage,
  resetForm,
  async (c, { token_hash, password }, transaction) =>
    enter(c, await followLink(gateway(), { token_hash, type: 'recovery' }, password), transaction),
)

openFromMail('/web/confirm', 'Shows the button to confirm an address', ConfirmAddressPage)
take('/web/confirm', 'Confirms an address', ConfirmAddressPage, confirmForm, async (c, { token_hash }, transaction) =>
  enter(c, await followLink(gateway(), { token_hash, type: 'email' }), transaction),
)

export default serve(app)
