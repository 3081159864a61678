import { uuidv7 } from 'uuidv7'
import * as z from 'zod/mini'
import { readRecords, recordRead } from '../domain/record-read.ts'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { postedPairs } from '../http/body.ts'
import { actAsOperator, type Operator } from './operator.ts'

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
/** What leads through an answer, or belongs to a form, and narrows nothing. */
const BESIDE = ['cursor', 'after', 'before', 'limit', 'order', 'page', 'done', 'csrf', 'form_id', 'return_to', 'reason']
const MOST = 1000

export const isRead = (c: AppContext) => c.req.method === 'GET' || c.req.method === 'HEAD'

/** What the operator sent to narrow the read: the query, or the body of a search. */
async function sent(c: AppContext): Promise<URLSearchParams> {
  const query = new URL(c.req.url).searchParams
  if (isRead(c)) return query
  const pairs = await postedPairs(c)
  if (!/json/.test(c.req.header('content-type') ?? '')) return new URLSearchParams(pairs)
  const body = z.record(z.string(), z.unknown()).safeParse(JSON.parse((await c.req.text()) || '{}'))
  return new URLSearchParams(Object.entries(body.data ?? {}).map(([name, value]) => [name, String(value)]))
}

/**
 * Records what an operator reads of others, before they read it: who, whose, by which filter and, where they said one (`reason`), why.
 * Equal reads of a minute are one event, so that a program that follows the log does not fill it.
 * @throws GatewayError service_unavailable when it cannot be recorded
 */
export async function recordOperatorRead(gateway: Gateway, c: AppContext, operator: Operator): Promise<void> {
  const { principal, organizationId } = operator
  const asked = await sent(c).catch(() => new URLSearchParams())
  const reason = asked.get('reason')?.slice(0, MOST)
  for (const name of BESIDE) asked.delete(name)
  const filter = asked.toString().slice(0, MOST)
  const target = (c.req.path.match(IDS)?.at(-1) ?? asked.get('person')?.match(IDS)?.[0])?.toLowerCase()
  const facts = { method: c.req.method, route: c.req.path.replace(IDS, ':id').slice(0, 200), target, organizationId }
  const isKnown = target !== undefined && (await gateway.store.subjectKey(target)) !== undefined
  await commit(commitContext(gateway, c), async (work) => {
    actAsOperator(work, operator)
    const same = [principal.person.uai, facts.method, facts.route, target ?? '', filter, reason ?? ''].join(' ')
    work.limits = gateway.limiter.of('record-read', same)
    work
      .start(recordRead, uuidv7(), { subject: isKnown ? target : principal.person.uai })
      .decide(() => readRecords(facts, { filter: filter || undefined, reason: reason || undefined }))
  }).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'rate_limited') throw error
  })
}
