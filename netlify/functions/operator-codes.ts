import * as z from 'zod/mini'
import { operator } from '../../shared/access/authorities.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readBody } from '../../shared/http/body.ts'
import { anything, done } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import {
  approveOperatorCode,
  type MadePart,
  requestOperatorCode,
  revokeOperatorCode,
} from '../../shared/operators/operator-codes.ts'
import { listOpenOperatorCodes } from '../../shared/queries/operator-codes.ts'
import { requireUuid, typedEmail, typedReason } from '../../shared/typed/fields.ts'

const BASE = '/v1/auth/operator-codes'
const app = createApp('api', { tag: 'Operators' })
const request = once(() =>
  z
    .object({ uai: z.optional(z.uuid()), email: z.optional(typedEmail()), reason: typedReason() })
    .check(z.refine(({ uai, email }) => (uai === undefined) !== (email === undefined), 'uai or email is required')),
)

const made = ({ id, code, awaitsSecond, expiresAt }: MadePart) => ({
  id,
  code,
  awaits_second_operator: awaitsSecond,
  expires_at: expiresAt.toISOString(),
})

const idOf = (c: AppContext) => requireUuid(c.req.param('id'))

/** Lists open one-time codes for people who cannot receive e-mail and whom the operator administers. */
app.route('GET', BASE, {
  authority: operator(),
  operation: {
    summary: 'Lists codes for people who have lost all other factors',
    answers: { 200: () => z.object({ codes: z.array(anything()) }) },
  },
})(async (c, { organizationId }) => {
  const codes = await listOpenOperatorCodes(gateway().reads, gateway().personal, organizationId)
  return c.json({ codes })
})

const madeCode = () => z.looseObject({ id: z.uuid() })

/** Creates a code, or its first half if a second operator must approve it. It is returned only once. */
app.route('POST', BASE, {
  authority: operator(),
  operation: { summary: 'Requests a code', body: request, answers: { 201: madeCode } },
})(async (c, operator) => {
  const body = await readBody(c, request())
  return c.json(made(await requestOperatorCode(c.var.call, operator, body)), 201)
})

const reasonOnly = once(() => z.object({ reason: z.string() }))

/** Records the approval of a second operator and returns the other half. */
app.route('POST', `${BASE}/:id/approve`, {
  authority: operator(),
  operation: { summary: 'Approves a code as second operator', body: reasonOnly, answers: { 200: madeCode } },
})(async (c, operator) => {
  const body = await readBody(c, z.object({ reason: typedReason() }))
  return c.json(made(await approveOperatorCode(c.var.call, operator, { id: idOf(c), reason: body.reason })))
})

app.route('DELETE', `${BASE}/:id`, {
  authority: operator(),
  operation: { summary: 'Revokes a code', answers: { 200: done } },
})(async (c, operator) => {
  await revokeOperatorCode(c.var.call, operator, { id: idOf(c), reason: 'revoked by an operator' })
  return c.json({ success: true })
})

export default serve(app)
