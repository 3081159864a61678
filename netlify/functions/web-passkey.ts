import * as z from 'zod/mini'
import { gateway } from '../../shared/gateway.ts'
import { formOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { requireRelyingParty } from '../../shared/sign-in/passkey/relying-party.ts'
import { enterPasskey } from '../../shared/sign-in/sign-in-steps.ts'
import { openTransaction } from '../../shared/sign-in/sign-in-transaction.ts'
import { returnToField } from '../../shared/typed/fields.ts'
import { form } from '../pages/form.ts'
import { createFormApp, translated } from '../pages/form-answers.ts'
import { beginAgain, signInPage } from '../pages/sign-in-pages.ts'
import { redirectTo } from '../pages/sign-in-response.ts'

const app = createFormApp('Sign-in pages')
app.use(translated)
const posted = once(() => z.object({ credential: z.string('passkey_invalid'), return_to: returnToField() }))

/** Posted by the script of the sign-in page. An error is shown on that page, which asks for another assertion. */
app.route('POST', '/web/passkey', {
  authority: byProtocol('ceremony'),
  operation: formOperation('Signs in with a passkey', posted),
})((c) =>
  form(c, {
    schema: posted(),
    load: ({ transaction }, { return_to }) => {
      requireRelyingParty(gateway().config)
      return openTransaction(c.var.call, transaction, return_to)
    },
    render: (shown, transaction) =>
      signInPage(c, transaction, { ...shown, typed: { return_to: shown.typed.return_to } }),
    restart: (expired) => beginAgain(c, expired),
    act: async ({ credential }, transaction) => redirectTo(c, await enterPasskey(c.var.call, transaction, credential)),
  }),
)

export default serve(app)
