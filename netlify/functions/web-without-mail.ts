import * as z from 'zod/mini'
import { browserSession } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { signInEnd, withGoal } from '../../shared/access/return-to.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { endsAtClient } from '../../shared/oauth/authorize/authorize-url.ts'
import { once } from '../../shared/once.ts'
import { findDomain } from '../../shared/queries/connections.ts'
import { signInWithoutMail } from '../../shared/sign-in/factors/sign-in-without-mail.ts'
import { connectionUrl } from '../../shared/sign-in/sign-in-steps.ts'
import { endTransaction, openTransaction, type SignInTransaction } from '../../shared/sign-in/sign-in-transaction.ts'
import { emailDomain } from '../../shared/typed/email.ts'
import { returnToField, typedEmail } from '../../shared/typed/fields.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { renderPage } from '../pages/render.ts'
import { beginAgain } from '../pages/sign-in-pages.ts'
import { redirectTo } from '../pages/sign-in-response.ts'
import { WithoutMailPage } from '../pages/without-mail.tsx'

const PAGE = '/web/without-mail'
const app = createFormApp('Sign-in pages')
app.use(translated)

const posted = once(() =>
  z.object({ return_to: returnToField(), email: typedEmail(), code: z.string('otp_malformed') }),
)
const pageQuery = once(() => z.object({ t: z.optional(z.string()), return_to: returnToField() }))

function page(c: AppContext, { id, returnTo }: SignInTransaction, { typed, error, status }: Shown): Response {
  return renderPage(
    WithoutMailPage({
      ...{ action: PAGE, csrf: newFormToken(c.var.call, { transaction: id }), returnTo, error },
      email: typed.email?.slice(0, 254),
      backHref: withGoal('/web/login', returnTo),
    }),
    { status, formAction: endsAtClient(returnTo ?? signInEnd(gateway().config)) },
  )
}

/** Continues the sign-in of this tab. */
app.route('GET', PAGE, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Shows the sign-in with an operator code', pageQuery),
})(async (c) => {
  const { t, return_to } = readQuery(c, pageQuery())
  const transaction = await openTransaction(c.var.call, t, return_to)
  return page(c, transaction, { typed: { email: transaction.email } })
})

/** The response is the same for every address, known or not, and every wrong code (docs/security-rules.md S5). */
app.route('POST', PAGE, { authority: byProtocol('ceremony'), operation: formOperation('Signs in with a code') })((c) =>
  form(c, {
    schema: posted(),
    load: ({ transaction }, { return_to }) => openTransaction(c.var.call, transaction, return_to),
    render: (shown, transaction) => page(c, transaction, shown),
    restart: (expired) => beginAgain(c, expired, (shown, transaction) => page(c, transaction, shown)),
    act: async ({ email, code }, transaction) => {
      const connection = await findDomain(gateway().reads, emailDomain(email))
      if (connection) return redirectTo(c, { location: connectionUrl(transaction, { slug: connection.slug, email }) })
      const replaces = await browserSession(c.var.call)
      const { cookies } = await signInWithoutMail(c.var.call, { email, code, replaces })
      await endTransaction(c.var.call, transaction)
      return redirectTo(c, { location: transaction.returnTo ?? signInEnd(gateway().config), cookies })
    },
  }),
)

export default serve(app)
