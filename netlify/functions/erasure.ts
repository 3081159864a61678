import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { operator, sensitive } from '../../shared/access/authorities.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { clearSessionCookies } from '../../shared/http/cookies.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { eraseOther, eraseSelf } from '../../shared/people/erasure.ts'
import { requireUuid, typedReason } from '../../shared/typed/fields.ts'
import { accountForm, formOf } from '../pages/account-forms.ts'
import { ErasedPage, ErasePage, words } from '../pages/erase.tsx'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { sensitivePage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const HOME = '/account/data'
const BASE = '/account/erase'
const app = createFormApp('Account pages', 'api')

function erasePage(c: AppContext, principal: PersonPrincipal, { error, status }: Partial<Shown> = {}): Response {
  const page = ErasePage({ ...formOf(c, principal), action: BASE, backHref: HOME, error })
  return renderPage(page, { status })
}

/** Asks for confirmation, after a recent authentication. */
app.route('GET', BASE, {
  authority: sensitivePage(BASE),
  operation: pageOperation('Asks to confirm the deletion of the account'),
})(erasePage)

const erasing = once(() => z.object({ word: z.optional(z.string().check(z.maxLength(40))) }))

app.route('POST', BASE, {
  authority: sensitivePage(BASE),
  operation: formOperation('Deletes the account'),
})((c, principal) =>
  accountForm(c, principal, {
    schema: erasing(),
    render: (shown) => erasePage(c, principal, shown),
    once: () => c.redirect(BASE, 303),
    act: async ({ word }) => {
      if (word?.trim().toLowerCase() !== words.word)
        throw new GatewayError('invalid_request', { description: words.wrong })
      const receipt = await eraseSelf(c.var.call, principal)
      clearSessionCookies(c.var.call)
      return renderPage(ErasedPage({ receipt }))
    },
  }),
)

const eraseSelfBody = once(() => z.object({ uai: z.uuid() }))

const receipt = () =>
  z.object({
    uai: z.uuid(),
    status: z.literal('erased'),
    erased_at: z.iso.datetime(),
    event_id: z.uuid(),
    event_hash: z.string(),
    keys_destroyed: z.number(),
    keys_left: z.number(),
    digests_left: z.number(),
    backups_forget_by: z.iso.datetime(),
  })

/** Erases the caller, whose UAI in the body confirms the intent. */
app.route('POST', '/v1/auth/me/erase', {
  authority: sensitive('every caller'),
  operation: { tag: 'Audit', summary: 'Erases the caller permanently', body: eraseSelfBody, answers: { 200: receipt } },
})(async (c, owner) => {
  const { uai } = await readBody(c, eraseSelfBody())
  if (uai !== owner.person.uai) throw new GatewayError('not_found')
  const receipt = await eraseSelf(c.var.call, owner)
  clearSessionCookies(c.var.call)
  return c.json(receipt)
})

const eraseOtherBody = once(() => z.object({ reason: typedReason() }))

app.route('POST', '/v1/operators/people/:uai/erase', {
  authority: operator(),
  operation: {
    tag: 'Audit',
    summary: 'Erases a person whom the operator administers, permanently',
    body: eraseOtherBody,
    answers: { 200: receipt },
  },
})(async (c, operator) => {
  const { reason } = await readBody(c, eraseOtherBody())
  return c.json(await eraseOther(c.var.call, operator, { uai: requireUuid(c.req.param('uai')), reason }))
})

export default serve(app)
