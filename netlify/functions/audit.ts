import * as z from 'zod/mini'
import { toAuditEvent } from '../../shared/audit/event-view.ts'
import { createExport, exportLine } from '../../shared/audit/export.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import { type AppContext, createApp } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { serve } from '../../shared/http/serve.ts'
import { accountOwner } from '../../shared/identity/account-holder.ts'
import { type AuditScope, listAuditEvents, listForExport } from '../../shared/queries/audit-events.ts'

const MOST_EXPORTED = 1000
const app = createApp('api')

const position = z.string().check(z.regex(/^\d{1,18}$/))
const time = z.pipe(
  z.string().check(
    z.regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/),
    z.refine((text) => !Number.isNaN(Date.parse(text))),
  ),
  z.transform((text: string) => new Date(text)),
)
const word = z.string().check(z.maxLength(100), z.regex(/^\w+$/))

export const eventsQuery = z.object({
  person: z.optional(z.uuid()),
  client: z.optional(z.string().check(z.maxLength(2000))),
  type: z.optional(word),
  stream_type: z.optional(word),
  stream: z.optional(z.uuid()),
  request: z.optional(z.uuid()),
  session: z.optional(z.uuid()),
  since: z.optional(time),
  until: z.optional(time),
  order: z._default(z.enum(['desc', 'asc']), 'desc'),
  cursor: z.optional(position),
  limit: z.prefault(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(200)), 50),
})

async function scopeOf(c: AppContext): Promise<AuditScope> {
  const { person } = await accountOwner(gateway(), c)
  return { of: 'people', uais: person.members }
}

/** What happened, newest first or, to follow it, oldest first; `next_cursor` leads to the next page. */
app.get('/v1/audit/events', async (c) => {
  const { order, cursor, limit, stream_type: streamType, ...filter } = readQuery(c, eventsQuery)
  const scope = await scopeOf(c)
  const { reads, personal } = gateway()
  const rows = await listAuditEvents(reads, scope, { ...filter, streamType }, { order, position: cursor, limit })
  const last = rows.at(-1)?.position
  const next = order === 'asc' ? (last ?? cursor ?? null) : rows.length < limit ? null : (last ?? null)
  return c.json({ events: rows.map((row) => toAuditEvent(personal, row, 'person')), next_cursor: next })
})

export const exportQuery = z.object({
  after: z.prefault(position, '0'),
  limit: z.prefault(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(MOST_EXPORTED)), MOST_EXPORTED),
})

/** The same as JSON Lines that can be checked without us: `scripts/verify-export.mjs`. */
app.get('/v1/audit/export', async (c) => {
  const { after, limit } = readQuery(c, exportQuery)
  const scope = await scopeOf(c)
  const { reads, personal, limiter, issuer } = gateway()
  const who = scope.of === 'people' ? scope.uais.join() : scope.of
  const wait = await limiter.hit([limiter.limit('audit-export', who, 120, 3600)])
  if (wait > 0) throw new GatewayError('rate_limited', { retryAfter: wait })
  const rows = await listForExport(reads, scope, { after, limit })
  const out = createExport({ issuer, exported_at: new Date().toISOString(), scope, after })
  const lines = [out.header(), ...rows.map((row) => out.line(exportLine(personal, row, 'person')))]
  const next = rows.length < limit ? null : (rows.at(-1)?.position ?? null)
  const body = `${[...lines, out.end(next)].join('\n')}\n`
  return c.body(body, 200, {
    'Content-Type': 'application/x-ndjson; charset=utf-8',
    'Content-Disposition': 'attachment; filename="audit.jsonl"',
    'Cache-Control': 'no-store',
  })
})

export default serve(app)
