import * as z from 'zod/mini'
import type { Operator } from '../../shared/access/operator.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { doneQuery, formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import {
  approveOperatorCode,
  type MadePart,
  requestOperatorCode,
  revokeOperatorCode,
} from '../../shared/operators/operator-codes.ts'
import { listOpenOperatorCodes } from '../../shared/queries/operator-codes.ts'
import { typedEmail, typedReason } from '../../shared/typed/fields.ts'
import { accountForm, formOf, idForm } from '../pages/account-forms.ts'
import { words } from '../pages/factor-words.ts'
import type { Shown } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { OperatorCodePage, OperatorCodesPage } from '../pages/operator-codes.tsx'
import { operatorPage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const BASE = '/operator/codes'
const app = createFormApp('Operator pages')

async function desk(
  c: AppContext,
  operator: Operator,
  { typed = {}, error, notice, status }: Partial<Shown> = {},
): Promise<Response> {
  const { principal, organizationId } = operator
  const codes = await listOpenOperatorCodes(gateway().reads, gateway().personal, organizationId)
  const page = OperatorCodesPage({
    ...{ base: BASE, ...formOf(c, principal), now: c.var.call.now(), notice, error },
    email: typed.email?.slice(0, 254),
    codes,
    viewer: principal.person.uai,
  })
  return renderPage(page, { status })
}

function show({ code, expiresAt }: MadePart, kind: 'whole' | 'half' | 'otherHalf'): Response {
  const page = `${new URL(gateway().issuer).host}/web/without-mail`
  return renderPage(OperatorCodePage({ code, kind, page, expiresAt, backHref: BASE }))
}

/** Applies a form of the page once. */
function take<Schema extends z.ZodMiniObject>(
  c: AppContext,
  operator: Operator,
  schema: Schema,
  act: (posted: z.output<Schema>) => Promise<Response>,
): Promise<Response> {
  return accountForm(c, operator.principal, {
    schema,
    render: (shown) => desk(c, operator, shown),
    once: () => c.redirect(BASE, 303),
    act,
  })
}

/** Lists the codes that operators create for people who cannot receive e-mail. */
app.route('GET', BASE, {
  authority: operatorPage(BASE),
  operation: pageOperation('Shows codes for people who have lost all other factors'),
})(async (c, operator) => {
  const { done } = readQuery(c, doneQuery())
  return desk(c, operator, { notice: done === 'revoked' ? words.desk.revoked : undefined })
})

const requestForm = once(() => z.object({ email: typedEmail(), reason: typedReason() }))

app.route('POST', BASE, { authority: operatorPage(BASE), operation: formOperation('Requests a code') })((c, operator) =>
  take(c, operator, requestForm(), async (posted) => {
    const made = await requestOperatorCode(c.var.call, operator, { email: posted.email, reason: posted.reason })
    return show(made, made.awaitsSecond ? 'half' : 'whole')
  }),
)

const approvalForm = once(() => z.extend(idForm(), { reason: typedReason() }))

app.route('POST', `${BASE}/approve`, {
  authority: operatorPage(BASE),
  operation: formOperation('Approves a code'),
})((c, operator) =>
  take(c, operator, approvalForm(), async ({ id, reason: why }) =>
    show(await approveOperatorCode(c.var.call, operator, { id, reason: why }), 'otherHalf'),
  ),
)

app.route('POST', `${BASE}/revoke`, {
  authority: operatorPage(BASE),
  operation: formOperation('Revokes a code'),
})((c, operator) =>
  take(c, operator, idForm(), async ({ id }) => {
    await revokeOperatorCode(c.var.call, operator, { id, reason: 'revoked by an operator' })
    return c.redirect(`${BASE}?done=revoked`, 303)
  }),
)

export default serve(app)
