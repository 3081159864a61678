import * as z from 'zod/mini'
import { operator } from '../../shared/access/authorities.ts'
import { actAsOperator } from '../../shared/access/operator.ts'
import { operatedBlastRadius, revokeBlastRadius } from '../../shared/audit/blast-radius.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { Work } from '../../shared/events/commit.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readBody, readQuery } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { operatedState } from '../../shared/operators/operated-state.ts'
import { findListed } from '../../shared/queries/console.ts'
import { typedReason } from '../../shared/typed/fields.ts'

const app = createApp('api', { tag: 'Audit' })

const radiusBody = once(() =>
  z
    .object({
      id: z.uuid(),
      dry_run: z._default(z.boolean(), true),
      reason: z.optional(typedReason()),
    })
    .check(z.refine(({ dry_run, reason }) => dry_run || reason !== undefined, 'reason is required')),
)

const radius = () =>
  z.object({
    origin: z.looseObject({ event: z.uuid(), type: z.string() }),
    people: z.array(z.object({ uai: z.uuid(), role: z.string(), organizations: z.array(z.uuid()) })),
    followed: z.array(z.looseObject({ kind: z.string(), id: z.uuid(), from: z.uuid(), live: z.boolean() })),
    acts: z.array(z.looseObject({ event: z.uuid(), type: z.string() })),
    dry_run: z.boolean(),
    revoked: z.number(),
  })

/** Traces the blast radius of a credential or event, and revokes it when requested. */
app.route('POST', '/v1/operators/blast-radius', {
  authority: operator('organization', { reads: true }),
  operation: {
    summary: 'Traces the blast radius of a credential or event; revokes it if dry_run is false',
    body: radiusBody,
    answers: { 200: radius },
  },
})(async (c, operator) => {
  const { id, dry_run, reason } = await readBody(c, radiusBody())
  const radius = await operatedBlastRadius(gateway(), operator, id)
  if (dry_run || !reason) return c.json({ ...radius, dry_run: true, revoked: 0 })
  const act = (work: Work) => actAsOperator(work, operator)
  const revoked = await revokeBlastRadius(c.var.call, radius, { act, reason })
  return c.json({ ...radius, dry_run: false, revoked })
})

const stateQuery = once(() => z.object({ person: z.uuid(), at: z.iso.datetime({ offset: true }) }))

/** Returns the access of a person at a given time. */
app.route('GET', '/v1/operators/state', {
  authority: operator(),
  operation: {
    summary: 'Returns the access of a person at a given time',
    query: stateQuery,
    answers: {
      200: () => z.object({ at: z.string(), people: z.array(z.looseObject({ uai: z.uuid(), status: z.string() })) }),
    },
  },
})(async (c, operator) => {
  const { person: uai, at } = readQuery(c, stateQuery())
  const { reads, personal } = gateway()
  const person = await findListed(reads, personal, operator.organizationId, uai)
  if (!person) throw new GatewayError('not_found')
  return c.json({ at, people: await operatedState(gateway(), operator, person, new Date(at)) })
})

export default serve(app)
