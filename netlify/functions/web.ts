import * as z from 'zod/mini'
import { browserSession } from '../../shared/access/authenticate.ts'
import { isOwnNavigation } from '../../shared/access/csrf.ts'
import { safeReturnTo, withGoal } from '../../shared/access/return-to.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { formOperation, pageOperation, returnQuery } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { mailbox, telephone } from '../../shared/people/code-address.ts'
import { findOutcome } from '../../shared/queries/messages.ts'
import { askForCode, enterCode, sendTo } from '../../shared/sign-in/sign-in-steps.ts'
import {
  findWaiting,
  openTransaction,
  transactionUrl,
  type WaitingTransaction,
} from '../../shared/sign-in/sign-in-transaction.ts'
import { returnToField, typedCode, typedEmail, typedPhone } from '../../shared/typed/fields.ts'
import { copy, refusalText } from '../pages/copy.ts'
import { type Expired, form, type Shown, type Tab } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import type { FormError } from '../pages/form-parts.tsx'
import { renderPage } from '../pages/render.ts'
import { beginAgain, codePage, openSignIn, signInPage } from '../pages/sign-in-pages.ts'
import { redirectTo } from '../pages/sign-in-response.ts'
import { confirmSignOutPage, SignedOutPage, signOut } from '../pages/sign-out.tsx'
import { welcomePage } from '../pages/signed-in.tsx'

const addressForm = once(() =>
  z.object({ return_to: returnToField(), email: z.optional(z.string()), phone: z.optional(z.string()) }),
)
const emailForm = once(() =>
  z.object({ return_to: returnToField(), email: typedEmail(), phone: z.optional(z.string()) }),
)
const phoneForm = once(() =>
  z.object({ return_to: returnToField(), email: z.optional(z.string()), phone: typedPhone() }),
)
const codeForm = once(() =>
  z.object({ return_to: returnToField(), code: typedCode(), passkeys: z.optional(z.string().check(z.maxLength(1))) }),
)
const returnForm = once(() => z.object({ return_to: returnToField() }))

const app = createFormApp('Sign-in pages')
app.use(translated)

app.route('GET', '/auth/login', {
  authority: byProtocol('ceremony'),
  operation: { summary: 'Redirects to /web/login', answers: { 302: 'redirect' } },
})((c) => c.redirect(`/web/login${new URL(c.req.url).search}`, 302))

app.route('GET', '/web/login', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the sign-in page', returnQuery),
})((c) => openSignIn(c, { welcome: (signedIn) => welcomePage(c, signedIn) }))

app.route('POST', '/web/login', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Sends a code to an address', addressForm),
})((c) =>
  form(c, {
    schema: ({ phone: given }) => (given === undefined ? emailForm() : phoneForm()),
    load: ({ transaction }, { return_to }) => openTransaction(c.var.call, transaction, return_to),
    render: (shown, transaction) => signInPage(c, transaction, shown),
    restart: (expired) => beginAgain(c, expired),
    act: async ({ email: mail, phone: number }, transaction) => {
      if (transaction.link && mail === undefined) throw new GatewayError('missing_email')
      const to = number === undefined ? mailbox(mail ?? '') : await telephone(gateway(), number)
      return c.redirect(await askForCode(c.var.call, transaction, to), 303)
    },
  }),
)

const codeQuery = once(() =>
  z.object({ t: z.optional(z.string()), return_to: returnToField(), sent: z.optional(z.string()) }),
)

app.route('GET', '/web/code', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the form for the code', codeQuery),
})(async (c) => {
  const { t, return_to, sent } = readQuery(c, codeQuery())
  const transaction = await findWaiting(c.var.call, t)
  if (!transaction) return c.redirect(withGoal('/web/login', safeReturnTo(gateway().config, return_to)), 302)
  const bounced = (await findOutcome(gateway().reads, transaction.challengeId)) === 'bounced'
  const error: FormError | undefined = bounced ? { text: refusalText('otp_undeliverable'), field: 'form' } : undefined
  return codePage(c, transaction, { error, notice: sent ? copy.code.sent : undefined })
})

/** Common to both forms of the code page. */
const codeStep = (c: AppContext) => ({
  load: ({ transaction }: Tab) => findWaiting(c.var.call, transaction),
  render: (shown: Shown, transaction: WaitingTransaction) => codePage(c, transaction, shown),
  restart: (expired: Expired) => beginAgain(c, expired),
})

app.route('POST', '/web/code', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Verifies the code and signs in', codeForm),
})((c) =>
  form(c, {
    ...codeStep(c),
    schema: codeForm(),
    act: async ({ code, passkeys }, transaction) =>
      redirectTo(c, await enterCode(c.var.call, transaction, code, passkeys === '1')),
  }),
)

/** No longer than the pause between two codes (`otp-send-pause`). */
const RESEND_SECONDS = 25

app.route('POST', '/web/code/resend', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Sends a new code', returnForm),
})((c) =>
  form(c, {
    ...codeStep(c),
    schema: returnForm(),
    act: async (_, transaction) => {
      const sent = await sendTo(c.var.call, transaction, transaction.to)
      // After this time another code may be sent, so the button must not repeat the earlier response.
      c.set('answerSeconds', RESEND_SECONDS)
      return c.redirect(transactionUrl('/web/code', sent, { sent: '1' }), 303)
    },
  }),
)

const askToSignOut = (returnTo: string | undefined) => ({
  action: '/web/logout',
  returnHref: returnTo,
  hidden: { return_to: returnTo },
})

/** A link on our own pages signs out (docs/wire-contract.md 1.5 and 5.4); from another site it asks for confirmation. */
app.route('GET', '/web/logout', {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Signs out; asks first if linked from another site', returnForm),
})(async (c) => {
  const returnTo = safeReturnTo(gateway().config, readQuery(c, returnForm()).return_to)
  const signedIn = await browserSession(c.var.call)
  if (!signedIn) {
    clearSessionCookies(c.var.call)
    return c.redirect(returnTo ?? '/web/login', 302)
  }
  if (isOwnNavigation(c.var.call)) return c.redirect((await signOut(c, signedIn, returnTo)) ?? '/web/login', 302)
  return confirmSignOutPage(c, signedIn, askToSignOut(returnTo))
})

app.route('POST', '/web/logout', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Signs out', returnForm),
})(async (c) => {
  const signedIn = await browserSession(c.var.call)
  const leave = (next: string | undefined) =>
    next ? c.redirect(next, 303) : renderPage(SignedOutPage({ continueHref: '/web/login' }))
  return form(c, {
    schema: returnForm(),
    about: signedIn?.session.id ?? 'signed-out',
    load: () => signedIn,
    render: (shown, person) =>
      confirmSignOutPage(c, person, askToSignOut(safeReturnTo(gateway().config, shown.typed.return_to)), shown),
    restart: signedIn
      ? undefined
      : ({ typed }) => {
          clearSessionCookies(c.var.call)
          return leave(safeReturnTo(gateway().config, typed.return_to))
        },
    act: async ({ return_to }, person) => leave(await signOut(c, person, safeReturnTo(gateway().config, return_to))),
  })
})

export default serve(app)
