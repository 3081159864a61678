import * as z from 'zod/mini'
import type { Call } from '../call.ts'
import { readRecords, recordRead } from '../domain/record-read.ts'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import { newId } from '../ids.ts'
import { actAsOperator, type Operator } from './operator.ts'

const IDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
/** Parameters for paging and forms, which do not narrow the read. */
const BESIDE = ['cursor', 'after', 'before', 'limit', 'order', 'page', 'done', 'csrf', 'form_id', 'return_to', 'reason']
const MOST = 1000

export const isRead = (call: Call) => call.request.method === 'GET' || call.request.method === 'HEAD'

/** The filter that the operator sent: the query, or the body of a search. */
async function sent(call: Call): Promise<URLSearchParams> {
  const { request } = call
  if (isRead(call)) return new URL(request.url).searchParams
  const pairs = await request.pairs()
  if (!/json/.test(request.header('content-type') ?? '')) return new URLSearchParams(pairs)
  const body = z.record(z.string(), z.unknown()).safeParse(JSON.parse((await request.text()) || '{}'))
  return new URLSearchParams(Object.entries(body.data ?? {}).map(([name, value]) => [name, String(value)]))
}

/**
 * Records an operator's read of others' data before it happens: who reads whose data, by which filter and, if given, why (`reason`).
 * Equal reads within a minute are one event, so that a program that polls does not fill the log.
 * @throws GatewayError service_unavailable when it cannot be recorded
 */
export async function recordOperatorRead(call: Call, operator: Operator): Promise<void> {
  const { principal, organizationId } = operator
  const asked = await sent(call).catch(() => new URLSearchParams())
  const reason = asked.get('reason')?.slice(0, MOST)
  for (const name of BESIDE) asked.delete(name)
  const filter = asked.toString().slice(0, MOST)
  const target = (call.request.path.match(IDS)?.at(-1) ?? asked.get('person')?.match(IDS)?.[0])?.toLowerCase()
  const facts = {
    method: call.request.method,
    route: call.request.path.replace(IDS, ':id').slice(0, 200),
    target,
    organizationId,
  }
  const isKnown = target !== undefined && (await call.gateway.store.subjectKey(target)) !== undefined
  await commit(call, async (work) => {
    actAsOperator(work, operator)
    const same = [principal.person.uai, facts.method, facts.route, target ?? '', filter, reason ?? ''].join(' ')
    work.limits = call.gateway.limiter.of('record-read', same)
    work
      .start(recordRead, newId(), { subject: isKnown ? target : principal.person.uai })
      .decide(() => readRecords(facts, { filter: filter || undefined, reason: reason || undefined }))
  }).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.refusal !== 'rate_limited') throw error
  })
}
