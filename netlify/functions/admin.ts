import type { JSX } from 'hono/jsx/jsx-runtime'
import * as z from 'zod/mini'
import { mayActOn, type Operator } from '../../shared/access/operator.ts'
import { safeReturnTo } from '../../shared/access/return-to.ts'
import { operatedBlastRadius } from '../../shared/audit/blast-radius.ts'
import { toAuditEvent } from '../../shared/audit/event-view.ts'
import { lagProblems } from '../../shared/audit/lag.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { once } from '../../shared/once.ts'
import { ACTIONS } from '../../shared/operators/console-actions.ts'
import { operatedState } from '../../shared/operators/operated-state.ts'
import { type AuditFilter, type AuditScope, listAuditEvents } from '../../shared/queries/audit-events.ts'
import { listConnections } from '../../shared/queries/connections.ts'
import {
  countLimits,
  findListed,
  listApiKeys,
  listApplicationsOfAll,
  listLiveSessions,
  listPeople,
} from '../../shared/queries/console.ts'
import { findPerson } from '../../shared/queries/identities.ts'
import { readLogLag } from '../../shared/queries/log-lag.ts'
import { listWebhooks } from '../../shared/queries/webhooks.ts'
import { addressLookup } from '../../shared/typed/address.ts'
import { readTypedTime, requireUuid, typedReason, typedTime } from '../../shared/typed/fields.ts'
import { aboutOf, accountForm, expiredButton, formOf } from '../pages/account-forms.ts'
import { type Filters, RequestPage, TimelinePage } from '../pages/console-events.tsx'
import {
  ClientList,
  ConnectionList,
  KeyList,
  ListPage,
  PeopleList,
  SessionList,
  WebhookList,
} from '../pages/console-lists.tsx'
import { chartsOf, OverviewPage } from '../pages/console-overview.tsx'
import { type Frame, PLATFORM_ONLY, type Section } from '../pages/console-parts.tsx'
import { PersonPage, RadiusPage } from '../pages/console-person.tsx'
import { words } from '../pages/console-words.ts'
import { form, type Shown, type Typed } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { operatorPage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const app = createFormApp('Console')
const PAGE = 50
const REFRESH_SECONDS = 5
const loose = once(() => z.object({ before: z.optional(z.uuid()), done: z.optional(z.string()) }))

/** Returns the frame and audit scope of a console page. */
function visit(c: AppContext, { organizationId, principal }: Operator, section: Section) {
  const { done } = readQuery(c, loose())
  const frame: Frame = {
    section,
    platform: organizationId === undefined,
    ...formOf(c, principal),
    now: c.var.call.now(),
    notice: done === '1' ? words.done : undefined,
  }
  const scope: AuditScope = organizationId ? { of: 'organization', id: organizationId } : { of: 'everything' }
  return { frame, scope }
}

async function eventsOf(
  scope: AuditScope,
  filter: AuditFilter,
  limit: number,
  position?: string,
  order: 'asc' | 'desc' = 'desc',
) {
  const { reads, personal } = gateway()
  const rows = await listAuditEvents(reads, scope, filter, { order, position, limit })
  return rows.map((row) => toAuditEvent(personal, row, 'operator'))
}

/** Returns the lag problems that the operator may see: all, or those of the webhooks of their organization. */
async function lagSeenBy({ organizationId }: Operator): Promise<string[]> {
  const { reads, config } = gateway()
  const problems = lagProblems(await readLogLag(reads), Boolean(config.CHECKPOINT_URL || config.CHECKPOINT_FILE))
  if (organizationId === undefined)
    return problems.map(({ detail, cause, fix }) => `${[detail, cause].filter(Boolean).join('; ')}. ${fix}.`)
  return problems.filter((one) => one.organizationId === organizationId).map(({ detail }) => `${detail}.`)
}

const authority = operatorPage('/admin')

app.route('GET', '/admin', { authority, operation: pageOperation('Shows charts, limits and the newest events') })(
  async (c, operator) => {
    const { frame, scope } = visit(c, operator, '/admin')
    const charts = await chartsOf(gateway().reads, operator.organizationId, frame.now)
    const limits = frame.platform ? await countLimits(gateway().reads) : []
    const behind = await lagSeenBy(operator)
    return renderPage(OverviewPage({ frame, charts, limits, behind, events: await eventsOf(scope, {}, 15) }))
  },
)

type List<Row> = {
  summary: string
  read: (operator: Operator, before: string | undefined) => Promise<Row[]>
  table: (list: { frame: Frame; rows: Row[] }) => JSX.Element
  /** Returns where a list that is read in pages continues after a row. */
  cursor?: (row: Row) => string
}

/** Registers a section of the console that is one list. */
function list<Row>(path: Section, { summary, read, table, cursor }: List<Row>): void {
  app.route('GET', path, { authority, operation: pageOperation(summary) })(async (c, operator) => {
    const { frame } = visit(c, operator, path)
    if (!frame.platform && PLATFORM_ONLY.includes(path))
      throw new GatewayError('access_denied', { reason: 'one organization only' })
    const rows = await read(operator, readQuery(c, loose()).before)
    const last = rows.length < PAGE ? undefined : rows.at(-1)
    const olderHref = last && cursor && `${path}?before=${cursor(last)}`
    return renderPage(ListPage({ frame, olderHref, children: table({ frame, rows }) }))
  })
}

const idOf = ({ id }: { id: string }) => id

list('/admin/people', {
  summary: 'Lists people',
  read: ({ organizationId }, before) => listPeople(gateway().reads, gateway().personal, organizationId, { before }),
  table: PeopleList,
  cursor: ({ uai }) => uai,
})
list('/admin/sessions', {
  summary: 'Lists active sessions',
  read: ({ organizationId }, before) => listLiveSessions(gateway().reads, organizationId, { before }),
  table: SessionList,
  cursor: idOf,
})
list('/admin/keys', {
  summary: 'Lists API keys',
  read: ({ organizationId }, before) => listApiKeys(gateway().reads, organizationId, { before }),
  table: KeyList,
  cursor: idOf,
})
list('/admin/clients', {
  summary: 'Lists applications',
  read: (_, before) => listApplicationsOfAll(gateway().reads, before),
  table: ClientList,
  cursor: idOf,
})
list('/admin/connections', {
  summary: 'Lists identity providers',
  read: () => listConnections(gateway().reads),
  table: ConnectionList,
})
list('/admin/webhooks', {
  summary: 'Lists outgoing webhooks',
  read: ({ organizationId }) => listWebhooks(gateway().reads, organizationId),
  table: WebhookList,
})

const finding = once(() => z.object({ find: z.string().check(z.trim(), z.maxLength(254)) }))

/** Redirects to the person. The search is posted so that no address appears in a browser history or proxy log. */
app.route('POST', '/admin/people', {
  authority: operatorPage('/admin', { reads: true }),
  operation: formOperation('Finds a person by identifier or e-mail address'),
})((c, operator) => {
  const show = (find: string | undefined, { error, status }: Partial<Shown> = {}) => {
    const { frame } = visit(c, operator, '/admin/people')
    return renderPage(ListPage({ frame, children: PeopleList({ frame, rows: [], find, error }) }), { status })
  }
  return form(c, {
    schema: finding(),
    about: aboutOf(operator.principal),
    render: (shown) => show(shown.typed.find, shown),
    act: async ({ find }) => {
      const { reads, personal } = gateway()
      const uai = z.uuid().safeParse(find).data
      const by = uai ? { uai } : { digest: personal.digest(addressLookup(find)) }
      const [person] = await listPeople(reads, personal, operator.organizationId, by)
      return person ? c.redirect(`/admin/people/${person.uai}`, 303) : show(find)
    },
  })
})

app.route('GET', '/admin/people/:uai', {
  authority,
  operation: pageOperation('Shows a person, and their access at a given time'),
})(async (c, operator) => {
  const { frame } = visit(c, operator, '/admin/people')
  const { reads, personal } = gateway()
  const uai = z.uuid().safeParse(c.req.param('uai')).data
  const person = uai && (await findListed(reads, personal, operator.organizationId, uai))
  if (!person) throw new GatewayError('not_found')
  const { at } = readQuery(c, z.extend(loose(), { at: z.optional(typedTime()) }))
  const states = at ? await operatedState(gateway(), operator, person, readTypedTime(at)) : []
  const { members } = person
  // Actions apply to the whole merged person, of whom the operator may see only a part here.
  const whole = await findPerson(reads, personal, person.uai)
  return renderPage(
    PersonPage({
      frame: { ...frame, readOnly: !whole || !mayActOn(operator, whole) },
      person,
      sessions: await listLiveSessions(reads, undefined, { members }),
      keys: await listApiKeys(reads, undefined, { members }),
      events: await eventsOf({ of: 'people', uais: members }, {}, 30),
      past: at ? { at, state: states.find((one) => one.uai === person.uai) } : undefined,
    }),
  )
})

const filters = once(() =>
  z.object({
    person: z.optional(z.uuid()),
    client: z.optional(z.string().check(z.maxLength(200))),
    type: z.optional(z.string().check(z.maxLength(100))),
    request: z.optional(z.uuid()),
    since: z.optional(typedTime()),
    until: z.optional(typedTime()),
    live: z.optional(z.literal('1')),
    cursor: z.optional(z.string().check(z.regex(/^\d{1,18}$/))),
  }),
)

/** Lists all events, newest first; with `live` the page refreshes automatically. */
app.route('GET', '/admin/events', {
  authority,
  operation: pageOperation('Shows the filtered timeline of events'),
})(async (c, operator) => {
  const { frame, scope } = visit(c, operator, '/admin/events')
  const { cursor, live, since, until, ...filter } = readQuery(c, filters())
  const range = { since: since ? readTypedTime(since) : undefined, until: until ? readTypedTime(until) : undefined }
  const events = await eventsOf(scope, { ...filter, ...range }, PAGE, cursor)
  const given: Filters = { ...filter, since, until, live }
  const query = Object.entries({ ...given, live: undefined, cursor: events.at(-1)?.position }).flatMap(
    ([name, value]) => (value === undefined ? [] : [[name, String(value)]]),
  )
  const olderHref = events.length < PAGE ? undefined : `/admin/events?${new URLSearchParams(query)}`
  const headers = live ? { Refresh: String(REFRESH_SECONDS) } : undefined
  return renderPage(TimelinePage({ frame, events, filters: given, olderHref }), { headers })
})

/** Lists the events of a request, limited to people whom the operator administers. */
app.route('GET', '/admin/requests/:id', { authority, operation: pageOperation('Shows the events of a request') })(
  async (c, operator) => {
    const { frame, scope } = visit(c, operator, '/admin/events')
    const request = requireUuid(c.req.param('id'))
    const events = (await eventsOf(scope, { request }, 200)).reverse()
    const browser = await describeUserAgent(events[0]?.origin?.user_agent)
    return renderPage(RequestPage({ frame, id: request, events, browser }))
  },
)

app.route('GET', '/admin/radius', {
  authority,
  operation: pageOperation('Shows the blast radius of a credential or event'),
})(async (c, operator) => {
  const { frame } = visit(c, operator, '/admin/events')
  const { id } = readQuery(c, z.extend(loose(), { id: z.uuid('not_found') }))
  return renderPage(RadiusPage({ frame, id, radius: await operatedBlastRadius(gateway(), operator, id) }))
})

const acting = once(() =>
  z.object({
    act: z.enum(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[], 'not_found'),
    id: z.uuid('not_found'),
    reason: typedReason(),
    back: z.optional(z.string().check(z.maxLength(200))),
  }),
)

const homeOf = ({ back = '' }: Typed) => (back.startsWith('/admin') && safeReturnTo(gateway().config, back)) || '/admin'

/** Performs an operator action on one object, with a reason. */
app.route('POST', '/admin/act', {
  authority,
  operation: formOperation('Performs an operator action on one object, with a reason'),
})((c, operator) =>
  accountForm(c, operator.principal, {
    schema: acting(),
    restart: ({ typed }) => expiredButton(homeOf(typed)),
    once: (typed) => c.redirect(homeOf(typed), 303),
    act: async ({ act, id, reason, back }) => {
      await ACTIONS[act]({ call: c.var.call, operator, id, reason })
      const home = homeOf({ back })
      return c.redirect(`${home}${home.includes('?') ? '&' : '?'}done=1`, 303)
    },
  }),
)

export default serve(app)
