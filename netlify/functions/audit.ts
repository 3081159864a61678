import * as z from 'zod/mini'
import { everydayOwner, type Owner, operator, sensitive, whichever } from '../../shared/access/authorities.ts'
import { currentSigner, signerOfNote } from '../../shared/audit/checkpoints.ts'
import { toAuditEvent, type Viewer } from '../../shared/audit/event-view.ts'
import { archivedLine, checkpointLine, createExport, exportLine, inOrder } from '../../shared/audit/export.ts'
import { proveConsistency, proveInclusion } from '../../shared/audit/proofs.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { createApp } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { type Authority, openToAll } from '../../shared/http/route.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { archivedLeaves } from '../../shared/queries/archives.ts'
import { type AuditScope, listAuditEvents, listForExport } from '../../shared/queries/audit-events.ts'
import { type CheckpointRow, listCheckpoints } from '../../shared/queries/audit-tree.ts'
import { pageSize, position } from '../../shared/typed/fields.ts'

const MOST_EXPORTED = 1000
const app = createApp('api', { tag: 'Audit' })

const time = once(() =>
  z.pipe(
    z.string().check(
      z.regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/),
      z.refine((text) => !Number.isNaN(Date.parse(text))),
    ),
    z.transform((text: string) => new Date(text)),
  ),
)
const word = once(() => z.string().check(z.maxLength(100), z.regex(/^\w+$/)))

const scope = once(() => z._default(z.enum(['own', 'organization', 'everything']), 'own'))

const eventsQuery = once(() =>
  z.object({
    scope: scope(),
    person: z.optional(z.uuid()),
    client: z.optional(z.string().check(z.maxLength(2000))),
    type: z.optional(word()),
    stream_type: z.optional(word()),
    stream: z.optional(z.uuid()),
    request: z.optional(z.uuid()),
    session: z.optional(z.uuid()),
    since: z.optional(time()),
    until: z.optional(time()),
    order: z._default(z.enum(['desc', 'asc']), 'desc'),
    cursor: z.optional(position()),
    limit: pageSize(200, 50),
  }),
)

type Seen = { scope: AuditScope; viewer: Viewer }

const seeing = <P>({ accepts, admit }: Authority<P>, seen: (principal: P) => Seen): Authority<Seen> => ({
  accepts,
  admit: async (c) => seen(await admit(c)),
})

/** People see their own events; operators can also request those of their organization, or all events. */
const ownOrOperated = (owner: Authority<Owner>) =>
  whichever<'own' | 'organization' | 'everything', Seen>(
    {
      own: seeing(owner, ({ person }) => ({ scope: { of: 'people', uais: person.members }, viewer: 'person' })),
      organization: seeing(operator(), ({ principal }) => ({
        scope: { of: 'organization', id: principal.person.organizationId },
        viewer: 'operator',
      })),
      everything: seeing(operator('platform'), () => ({ scope: { of: 'everything' }, viewer: 'operator' })),
    },
    ({ request }) => readQuery({ req: request }, z.object({ scope: scope() })).scope,
  )

/** Events contain addresses and other personal data, unlike a proof that one is in the tree. */
const events = ownOrOperated(sensitive('tokens'))

const event = () =>
  z.looseObject({
    id: z.uuid(),
    position: z.number(),
    type: z.string(),
    stream: z.object({ type: z.string(), id: z.uuid(), version: z.number() }),
    subject: z.nullable(z.uuid()),
    recorded_at: z.iso.datetime(),
    actor: z.object({ type: z.string(), id: z.nullable(z.string()) }),
    data: z.looseObject({}),
    hash: z.string(),
  })

/** Lists events, newest first or, to follow the log, oldest first; `next_cursor` is the position of the next page. */
app.route('GET', '/v1/audit/events', {
  authority: events,
  operation: {
    summary: 'Lists audit events',
    query: eventsQuery,
    answers: { 200: () => z.object({ events: z.array(event()), next_cursor: z.nullable(z.string()) }) },
  },
})(async (c, { scope, viewer }) => {
  const { scope: _asked, order, cursor, limit, stream_type: streamType, ...filter } = readQuery(c, eventsQuery())
  const { reads, personal } = gateway()
  const rows = await listAuditEvents(reads, scope, { ...filter, streamType }, { order, position: cursor, limit })
  const last = rows.at(-1)?.position
  const next = order === 'asc' ? (last ?? cursor ?? null) : rows.length < limit ? null : (last ?? null)
  return c.json({ events: rows.map((row) => toAuditEvent(personal, row, viewer)), next_cursor: next })
})

const exportQuery = once(() =>
  z.object({
    scope: scope(),
    after: z.prefault(position(), '0'),
    limit: pageSize(MOST_EXPORTED, MOST_EXPORTED),
  }),
)

/** Exports JSON Lines that can be verified offline (`scripts/verify-export.mjs`); only the person's own export has readable personal values. */
app.route('GET', '/v1/audit/export', {
  authority: events,
  operation: {
    summary: 'Exports audit events for offline verification',
    query: exportQuery,
    answers: { 200: 'application/x-ndjson' },
  },
})(async (c, { scope, viewer }) => {
  const { after, limit } = readQuery(c, exportQuery())
  const { reads, personal, limiter, issuer } = gateway()
  const who = scope.of === 'people' ? scope.uais.join() : scope.of === 'organization' ? scope.id : scope.of
  await limiter.enforce(limiter.of('audit-export', who))
  const [events, archived] = await Promise.all([
    listForExport(reads, scope, { after, limit }),
    scope.of === 'everything' ? archivedLeaves(reads, { after, limit }) : [],
  ])
  const rows = inOrder(events, archived, limit)
  const out = createExport({ issuer, exported_at: c.var.call.now().toISOString(), scope, after })
  const [checkpoint] = await listCheckpoints(reads, { limit: 1 })
  const proofs =
    checkpoint &&
    (await proveInclusion(
      reads,
      rows.map((row) => row.position),
      Number(checkpoint.size),
    ))
  const lines = [
    out.header(),
    ...(checkpoint ? [out.line(checkpointLine(checkpoint, signerOfNote(gateway(), checkpoint.note)))] : []),
    ...rows.map((row) =>
      out.line(
        'leaf' in row
          ? archivedLine(row)
          : { ...exportLine(personal, row, viewer), inclusion: proofs?.get(row.position) },
      ),
    ),
  ]
  const next = rows.length < limit ? null : (rows.at(-1)?.position ?? null)
  const body = `${[...lines, out.end(next)].join('\n')}\n`
  return c.body(body, 200, {
    'Content-Type': 'application/x-ndjson; charset=utf-8',
    'Content-Disposition': 'attachment; filename="audit.jsonl"',
    'Cache-Control': 'no-store',
  })
})

const whole = once(() => z.pipe(z.string().check(z.regex(/^\d{1,15}$/)), z.transform(Number)))

const checkpointsQuery = once(() => z.object({ before: z.optional(position()), limit: pageSize(100, 20) }))
const consistencyQuery = once(() => z.object({ from: whole(), to: z.optional(whole()) }))
const inclusionQuery = once(() => z.object({ scope: scope(), event: z.uuid() }))

const checkpoint = () =>
  z.object({
    size: z.number(),
    root: z.string(),
    made_at: z.iso.datetime(),
    published_at: z.nullable(z.iso.datetime()),
    note: z.string(),
  })

/** Lists signed roots of the tree over all events, newest first. Public, so that witnesses can store them. */
app.route('GET', '/v1/audit/checkpoints', {
  authority: openToAll,
  operation: {
    summary: 'Lists signed roots of the event tree, newest first',
    query: checkpointsQuery,
    answers: {
      200: () => z.object({ origin: z.string(), verifier_key: z.string(), checkpoints: z.array(checkpoint()) }),
    },
  },
})(async (c) => {
  const { before, limit } = readQuery(c, checkpointsQuery())
  const { origin, verifierKey } = await currentSigner(gateway())
  const checkpoints = await listCheckpoints(gateway().reads, { before, limit })
  return c.json({
    origin,
    verifier_key: verifierKey,
    checkpoints: checkpoints.map(({ size, root, made_at, published_at, note }) => ({
      size: Number(size),
      root: Buffer.from(root).toString('hex'),
      made_at,
      published_at,
      note,
    })),
  })
})

async function newestCheckpoint(): Promise<CheckpointRow> {
  const [newest] = await listCheckpoints(gateway().reads, { limit: 1 })
  if (!newest) throw new GatewayError('not_found', { description: 'No checkpoint exists yet.' })
  return newest
}

const path = () => z.array(z.string())

app.route('GET', '/v1/audit/consistency', {
  authority: openToAll,
  operation: {
    summary: 'Proves that an older tree is a prefix of a newer one (RFC 9162 section 2.1.4)',
    query: consistencyQuery,
    answers: { 200: () => z.object({ from: z.number(), to: z.number(), path: path(), note: z.string() }) },
  },
})(async (c) => {
  const { from, to: requested } = readQuery(c, consistencyQuery())
  const { size, note } = await newestCheckpoint()
  const to = requested ?? Number(size)
  if (from > to || to > Number(size)) throw new GatewayError('invalid_request', { details: { from: ['unknown size'] } })
  return c.json({ from, to, path: await proveConsistency(gateway().reads, from, to), note })
})

/** Proves that an event visible to the caller is in the tree of the newest checkpoint. */
app.route('GET', '/v1/audit/inclusion', {
  authority: ownOrOperated(everydayOwner),
  operation: {
    summary: 'Proves that an event is in the tree of the newest checkpoint (RFC 9162 section 2.1.3)',
    query: inclusionQuery,
    answers: {
      200: () =>
        z.object({
          event: z.uuid(),
          position: z.number(),
          hash: z.string(),
          index: z.number(),
          size: z.number(),
          path: path(),
          note: z.string(),
        }),
    },
  },
})(async (c, { scope }) => {
  const { event } = readQuery(c, inclusionQuery())
  const { reads } = gateway()
  const [row] = await listAuditEvents(reads, scope, { event }, { order: 'desc', limit: 1 })
  if (!row) throw new GatewayError('not_found')
  const { size, note } = await newestCheckpoint()
  const proof = (await proveInclusion(reads, [row.position], Number(size))).get(row.position)
  if (!proof) throw new GatewayError('not_found', { description: 'No checkpoint covers the event yet.' })
  return c.json({ event, position: Number(row.position), hash: row.hash, size: Number(size), ...proof, note })
})

export default serve(app)
