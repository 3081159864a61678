import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { chartsOf } from '../../netlify/pages/console-overview.tsx'
import { traceBlastRadius } from '../../shared/audit/blast-radius.ts'
import { proveConsistency, proveInclusion } from '../../shared/audit/proofs.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { stateAt } from '../../shared/operators/operated-state.ts'
import { type AuditFilter, type AuditScope, listAuditEvents, listForExport } from '../../shared/queries/audit-events.ts'
import { listLiveSessions, listPeople } from '../../shared/queries/console.ts'
import { eventsToSend } from '../../shared/queries/webhooks.ts'
import { idAt, signInAt } from './growth-events.ts'

export type Sample = {
  uai: string
  organization: string
  session: string
  request: string
  client: { id: string; client_id: string }
  /** In the middle of the log, and its end. */
  position: string
  last: string
  size: number
}

/** Something to look at: an event of the middle, and what it belongs to. */
export async function sample(sql: postgres.Sql): Promise<Sample> {
  const [row] = await sql<Sample[]>`
    with ends as (select min(position) as low, max(position) as high from auth_gateway.event_store),
    one as (
      select e.* from auth_gateway.event_store e, ends
      where e.position >= (ends.low + ends.high) / 2 and e.event_type = 'SessionStarted' order by e.position limit 1)
    select one.subject as uai, i.organization_id as organization, one.stream_id as session, one.metadata->>'requestId' as request,
      one.position::text, ends.high::text as last, (select t.size::integer from auth_gateway.audit_tree t) as size,
      (select json_build_object('id', c.id, 'client_id', c.client_id) from auth_gateway.api_clients c
       where c.client_id = one.metadata->>'clientId') as client
    from one, ends, auth_gateway.identities i where i.uai = one.subject`
  if (!row) throw new Error('the log is empty')
  return row
}

/** What goes by how the log has grown, if anything does. */
export function growthQueries(
  { reads, store, personal }: Gateway,
  wall: Sample,
): Record<string, () => Promise<unknown>> {
  const { uai, organization, position, last, size } = wall
  const everything: AuditScope = { of: 'everything' }
  const newest = { order: 'desc', limit: 50 } as const
  const audit =
    (scope: AuditScope, filter: AuditFilter = {}, page: object = {}) =>
    () =>
      listAuditEvents(reads, scope, filter, { ...newest, ...page })
  const day = 86_400_000
  const month = { since: new Date(Date.now() - 150 * day), until: new Date(Date.now() - 120 * day) }
  return {
    'append a sign-in (7 streams, 19 events)': () => {
      const person = { uai: idAt(Date.now()), address: randomUUID(), organization, isNew: true }
      const { appends, keys } = signInAt(personal, Date.now(), person, wall.client)
      return store.append(appends, keys)
    },
    'read a stream': () => store.read('session', wall.session),
    'events of a person': audit({ of: 'people', uais: [uai] }),
    'events of everybody': audit(everything),
    'events of an organization': audit({ of: 'organization', id: organization }),
    'of a type': audit(everything, { type: 'SessionStarted' }),
    'of a client': audit(everything, { client: wall.client.client_id }),
    'of a request': audit(everything, { request: wall.request }),
    'of a session': audit(everything, { session: wall.session }),
    'of a month, of a type': audit(everything, { ...month, type: 'SessionStarted' }),
    'a page in the middle': audit(everything, {}, { position }),
    'upwards from the middle': audit(everything, {}, { order: 'asc', position }),
    'export, 1,000 of everybody from the middle': () =>
      listForExport(reads, everything, { after: position, limit: 1000 }),
    'export, all of a person': () => listForExport(reads, { of: 'people', uais: [uai] }, { after: '0', limit: 1000 }),
    'proof of inclusion': () => proveInclusion(reads, [position], size),
    'proof of consistency': () => proveConsistency(reads, Math.floor(size / 3), size),
    'blast radius of a session': () => traceBlastRadius({ reads } as Gateway, wall.session),
    'a person as of a time': () => stateAt({ reads, now: () => new Date() }, new Date(), [uai]),
    'next 100 events for a webhook': () =>
      eventsToSend(reads, everything, ['SessionStarted'], { after: position, until: last, limit: 100 }),
    'console: charts': () => chartsOf(reads, undefined, new Date()),
    'console: people': () => listPeople(reads, personal, undefined, {}),
    'console: live sessions': () => listLiveSessions(reads, undefined),
    'console: live sessions of an organization': () => listLiveSessions(reads, organization),
  }
}
