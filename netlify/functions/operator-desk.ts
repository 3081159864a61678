import * as z from 'zod/mini'
import { operatorPage } from '../../shared/access/pages.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { OperatorCodePage, OperatorCodesPage } from '../../shared/http/pages/operator-codes.tsx'
import { words } from '../../shared/http/pages/proof-words.ts'
import { renderPage } from '../../shared/http/pages/render.ts'
import { createPageApp } from '../../shared/http/pages/respond.tsx'
import { serve } from '../../shared/http/serve.ts'
import { formOf, postedForm, takeForm } from '../../shared/identity/account-forms.ts'
import type { Operator } from '../../shared/identity/operator.ts'
import {
  approveOperatorCode,
  type MadePart,
  requestOperatorCode,
  revokeOperatorCode,
} from '../../shared/identity/operator-codes.ts'
import { once } from '../../shared/once.ts'
import { listOpenOperatorCodes } from '../../shared/queries/operator-codes.ts'
import { typedEmail } from '../../shared/typed/fields.ts'

const BASE = '/operator/codes'
const app = createPageApp()
const reason = once(() => z.string().check(z.trim(), z.minLength(3), z.maxLength(200)))

type Shown = { email?: string; error?: GatewayError; notice?: string }

async function desk(operator: Operator, { email: given, error, notice }: Shown = {}): Promise<Response> {
  const { principal, organizationId } = operator
  const codes = await listOpenOperatorCodes(gateway().reads, gateway().personal, organizationId)
  const page = OperatorCodesPage({
    ...{ base: BASE, ...formOf(gateway(), principal), now: new Date(), email: given, notice, error: error?.message },
    codes: codes.map((one) => ({
      ...{
        id: one.id,
        person: one.email ?? one.uai,
        operator: one.operator,
        reason: one.reason,
        expiresAt: one.expires_at,
      },
      ...{ own: one.operator === principal.person.uai, waiting: one.status === 'waiting' },
    })),
  })
  return renderPage(page, { status: error?.status })
}

function show({ code, expiresAt }: MadePart, kind: 'whole' | 'half' | 'otherHalf'): Response {
  const page = `${new URL(gateway().issuer).host}/web/without-mail`
  return renderPage(OperatorCodePage({ code, kind, page, expiresAt, backHref: BASE }))
}

/** A posted form of an operator, taken once, and what the operator can mend on the page told there. */
async function taken<T extends { csrf?: string; form_id: string; email?: string }>(
  c: AppContext,
  operator: Operator,
  read: () => Promise<T>,
  act: (posted: T) => Promise<Response>,
): Promise<Response> {
  const posted = await read()
  if (!(await takeForm(gateway(), c, operator.principal, posted))) return c.redirect(BASE, 303)
  try {
    return await act(posted)
  } catch (error) {
    const mendable = error instanceof GatewayError && /^(not_found|access_denied|second_op|rate_)/.test(error.refusal)
    if (!mendable) throw error
    return desk(operator, { email: posted.email, error })
  }
}

/** The codes that operators make for people whom no mail reaches. */
app.route('GET', BASE, { authority: operatorPage(BASE) }, async (c, operator) => {
  const { done } = readQuery(c, z.object({ done: z.optional(z.string()) }))
  return desk(operator, { notice: done === 'revoked' ? words.desk.revoked : undefined })
})

const requestForm = once(() => z.object({ ...postedForm(), email: typedEmail(), reason: reason() }))

app.route('POST', BASE, { authority: operatorPage(BASE) }, (c, operator) =>
  taken(
    c,
    operator,
    () => readBody(c, requestForm()),
    async (posted) => {
      const made = await requestOperatorCode(gateway(), c, operator, { email: posted.email, reason: posted.reason })
      return show(made, made.awaitsSecond ? 'half' : 'whole')
    },
  ),
)

const approvalForm = once(() => z.object({ ...postedForm(), id: z.uuid('not_found'), reason: reason() }))

app.route('POST', `${BASE}/approve`, { authority: operatorPage(BASE) }, (c, operator) =>
  taken(
    c,
    operator,
    () => readBody(c, approvalForm()),
    async ({ id, reason: why }) =>
      show(await approveOperatorCode(gateway(), c, operator, { id, reason: why }), 'otherHalf'),
  ),
)

const revocationForm = once(() => z.object({ ...postedForm(), id: z.uuid('not_found') }))

app.route('POST', `${BASE}/revoke`, { authority: operatorPage(BASE) }, (c, operator) =>
  taken(
    c,
    operator,
    () => readBody(c, revocationForm()),
    async ({ id }) => {
      await revokeOperatorCode(gateway(), c, operator, { id, reason: 'taken back' })
      return c.redirect(`${BASE}?done=revoked`, 303)
    },
  ),
)

export default serve(app)
