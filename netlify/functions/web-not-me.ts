import * as z from 'zod/mini'
import { newFormToken } from '../../shared/access/form-token.ts'
import '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { byProtocol } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { DISOWN_PAGE } from '../../shared/people/sign-in-places.ts'
import { disownSignIn, findNoticed, type NoticedSignIn } from '../../shared/sign-in/disown.ts'
import { form, type Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { DisownedPage, NotMePage } from '../pages/not-me.tsx'
import { renderPage } from '../pages/render.ts'

const app = createFormApp('Sign-in pages')

const link = once(() => z.object({ n: z.string('notice_link_invalid').check(z.maxLength(200, 'notice_link_invalid')) }))

function ask(c: AppContext, token: string, { place }: NoticedSignIn, { error, status }: Partial<Shown> = {}) {
  const shown = { action: DISOWN_PAGE, csrf: newFormToken(c.var.call), token, place, error, now: c.var.call.now() }
  return renderPage(NotMePage(shown), { status })
}

/** Target of the link in a notice of a new sign-in. It only asks, since mail scanners open links too (docs/security-rules.md S8). */
app.route('GET', DISOWN_PAGE, {
  authority: byProtocol('ceremony'),
  operation: pageOperation('Asks whether a sign-in was the person’s', link),
})(async (c) => {
  const { n } = readQuery(c, link())
  return ask(c, n, await findNoticed(c.var.call, n))
})

app.route('POST', DISOWN_PAGE, {
  authority: byProtocol('ceremony'),
  operation: formOperation('Ends a sign-in that was not the person’s, and all that followed from it', link),
})((c) =>
  form(c, {
    schema: link(),
    load: async (_, { n = '' }) => ({ n, noticed: await findNoticed(c.var.call, n) }),
    render: (shown, { n, noticed }) => ask(c, n, noticed, shown),
    act: async (_, { noticed }) =>
      renderPage(DisownedPage({ ...(await disownSignIn(c.var.call, noticed)), now: c.var.call.now() })),
  }),
)

export default serve(app)
