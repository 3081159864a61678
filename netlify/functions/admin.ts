import * as z from 'zod/mini'
import { mayActOn, type Operator } from '../../shared/access/operator.ts'
import { safeReturnTo } from '../../shared/access/return-to.ts'
import { toAuditEvent } from '../../shared/audit/event-view.ts'
import { lagProblems } from '../../shared/audit/lag.ts'
import type { StateAt } from '../../shared/domain/state-at.ts'
import { GatewayError } from '../../shared/errors.ts'
import { gateway } from '../../shared/gateway.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { readQuery } from '../../shared/http/body.ts'
import { formOperation, pageOperation } from '../../shared/http/operation.ts'
import { serve } from '../../shared/http/serve.ts'
import { once } from '../../shared/once.ts'
import { ACTIONS } from '../../shared/operators/console-actions.ts'
import { operatedBlastRadius } from '../../shared/operators/operated-blast-radius.ts'
import { operatedState } from '../../shared/operators/operated-state.ts'
import { type AuditFilter, type AuditScope, listAuditEvents } from '../../shared/queries/audit-events.ts'
import { listConnections } from '../../shared/queries/connections.ts'
import {
  countLimits,
  findListed,
  type ListedKey,
  type ListedSession,
  listApiKeys,
  listApplicationsOfAll,
  listLiveSessions,
  listPeople,
} from '../../shared/queries/console.ts'
import { findPerson } from '../../shared/queries/identities.ts'
import { readLogLag } from '../../shared/queries/log-lag.ts'
import { listWebhooks } from '../../shared/queries/webhooks.ts'
import { addressLookup } from '../../shared/typed/address.ts'
import { requireUuid, typedReason } from '../../shared/typed/fields.ts'
import { aboutOf, accountForm, expiredButton, formOf, postedForm } from '../pages/account-forms.ts'
import {
  ClientsPage,
  ConnectionsPage,
  KeysPage,
  OverviewPage,
  PeoplePage,
  SessionsPage,
  WebhooksPage,
} from '../pages/console.tsx'
import { chartsOf } from '../pages/console-charts.ts'
import { type Filters, RequestPage, TimelinePage } from '../pages/console-events.tsx'
import type { Frame } from '../pages/console-parts.tsx'
import { type Held, PersonPage, RadiusPage } from '../pages/console-person.tsx'
import { words } from '../pages/console-words.ts'
import { form, type Shown, type Typed } from '../pages/form.ts'
import { createFormApp } from '../pages/form-answers.ts'
import { operatorPage } from '../pages/page-authority.ts'
import { renderPage } from '../pages/render.ts'

const app = createFormApp('Console')
const PAGE = 50
const REFRESH_SECONDS = 5
const loose = once(() => z.object({ before: z.optional(z.uuid()), done: z.optional(z.string()) }))

type Visit = { operator: Operator; frame: Frame; scope: AuditScope }

/** Returns the operator, frame and audit scope of a console page. */
function visit(c: AppContext, operator: Operator, section: string): Visit {
  const { organizationId, principal } = operator
  const { done } = readQuery(c, loose())
  const frame = {
    section,
    platform: organizationId === undefined,
    ...formOf(c, principal),
    now: c.var.call.now(),
    notice: done === '1' ? words.done : undefined,
  }
  return { operator, frame, scope: organizationId ? { of: 'organization', id: organizationId } : { of: 'everything' } }
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

const olderThan = (path: string, rows: { id?: string; uai?: string }[]) => {
  const last = rows.length < PAGE ? undefined : rows.at(-1)
  return last && `${path}?before=${last.id ?? last.uai}`
}

const shownSession = (one: ListedSession) => ({ ...one, startedAt: one.started_at, expiresAt: one.expires_at })
const shownKey = (one: ListedKey) => ({ ...one, uai: one.created_by, createdAt: one.created_at })

/** Returns the lag problems that the operator may see: all, or those of the webhooks of their organization. */
async function lagSeenBy({ organizationId }: Operator): Promise<string[]> {
  const { reads, config } = gateway()
  const problems = lagProblems(await readLogLag(reads), Boolean(config.CHECKPOINT_URL || config.CHECKPOINT_FILE))
  if (organizationId === undefined)
    return problems.map(({ detail, cause, fix }) => `${[detail, cause].filter(Boolean).join('; ')}. ${fix}.`)
  return problems.filter((one) => one.organizationId === organizationId).map(({ detail }) => `${detail}.`)
}

app.route('GET', '/admin', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Shows charts, limits and the newest events'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin')
  const { frame, scope } = visited
  const charts = await chartsOf(gateway().reads, operator.organizationId, frame.now)
  const limits = frame.platform ? await countLimits(gateway().reads) : []
  const behind = await lagSeenBy(operator)
  return renderPage(OverviewPage({ frame, charts, limits, behind, events: await eventsOf(scope, {}, 15) }))
})

app.route('GET', '/admin/people', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Lists people'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/people')
  const { reads, personal } = gateway()
  const { before } = readQuery(c, loose())
  const people = await listPeople(reads, personal, operator.organizationId, { before })
  return renderPage(PeoplePage({ frame: visited.frame, people, olderHref: olderThan('/admin/people', people) }))
})

const finding = once(() => z.object({ ...postedForm(), find: z.string().check(z.trim(), z.maxLength(254)) }))

/** Redirects to the person. The search is posted so that no address appears in a browser history or proxy log. */
app.route('POST', '/admin/people', {
  authority: operatorPage('/admin', { reads: true }),
  operation: formOperation('Finds a person by identifier or e-mail address'),
})((c, operator) => {
  const show = (find: string | undefined, { error, status }: Partial<Shown> = {}) =>
    renderPage(PeoplePage({ frame: visit(c, operator, '/admin/people').frame, people: [], find, error }), { status })
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

const held = ({ sessions, tokens, keys, agents, consents }: StateAt): Held[] => [
  { kind: 'sessions', list: sessions.map(({ method, acr }) => `${method} (${acr.split(':').at(-1)})`) },
  { kind: 'tokens', list: tokens.map(({ client_id, scopes }) => `${client_id} (${scopes.join(' ')})`) },
  { kind: 'keys', list: keys.map(({ preview, scopes }) => `${preview} (${scopes.join(' ')})`) },
  { kind: 'agents', list: agents.map(({ client_id, scopes }) => `${client_id} (${scopes.join(' ')})`) },
  { kind: 'consents', list: consents.map(({ client_id, scopes }) => `${client_id} (${scopes.join(' ')})`) },
]

/** Parses a time; without a zone it is UTC. */
const timeOf = (text: string) =>
  new Date(/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text.length === 10 ? `${text}T00:00` : text}Z`)
const time = once(() =>
  z.string().check(
    z.maxLength(40),
    z.refine(
      (text) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(timeOf(text).getTime()),
      'must be a time such as 2026-11-26T12:00',
    ),
  ),
)

app.route('GET', '/admin/people/:uai', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Shows a person, and their access at a given time'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/people')
  const { frame } = visited
  const { reads, personal } = gateway()
  const uai = z.uuid().safeParse(c.req.param('uai')).data
  const person = uai && (await findListed(reads, personal, operator.organizationId, uai))
  if (!person) throw new GatewayError('not_found')
  const { at } = readQuery(c, z.extend(loose(), { at: z.optional(time()) }))
  const states = at ? await operatedState(gateway(), operator, person, timeOf(at)) : []
  const past = states.find((one) => one.uai === person.uai)
  const { members } = person
  // Actions apply to the whole merged person, of whom the operator may see only a part here.
  const whole = await findPerson(reads, personal, person.uai)
  return renderPage(
    PersonPage({
      frame: { ...frame, readOnly: !whole || !mayActOn(operator, whole) },
      person,
      sessions: (await listLiveSessions(reads, undefined, { members })).map(shownSession),
      keys: (await listApiKeys(reads, undefined, { members })).map(shownKey),
      events: await eventsOf({ of: 'people', uais: members }, {}, 30),
      past: at ? { at, ...past, held: past ? held(past) : [] } : undefined,
    }),
  )
})

app.route('GET', '/admin/sessions', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Lists active sessions'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/sessions')
  const { before } = readQuery(c, loose())
  const rows = await listLiveSessions(gateway().reads, operator.organizationId, { before })
  const page = { frame: visited.frame, sessions: rows.map(shownSession), olderHref: olderThan('/admin/sessions', rows) }
  return renderPage(SessionsPage(page))
})

app.route('GET', '/admin/keys', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Lists API keys'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/keys')
  const { before } = readQuery(c, loose())
  const rows = await listApiKeys(gateway().reads, operator.organizationId, { before })
  return renderPage(
    KeysPage({ frame: visited.frame, keys: rows.map(shownKey), olderHref: olderThan('/admin/keys', rows) }),
  )
})

function demandPlatform({ frame }: Visit): void {
  if (!frame.platform) throw new GatewayError('access_denied', { reason: 'one organization only' })
}

app.route('GET', '/admin/clients', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Lists applications'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/clients')
  demandPlatform(visited)
  const rows = await listApplicationsOfAll(gateway().reads, readQuery(c, loose()).before)
  const clients = rows.map((one) => ({
    ...one,
    clientId: one.client_id,
    firstParty: one.first_party,
    createdAt: one.created_at,
  }))
  return renderPage(ClientsPage({ frame: visited.frame, clients, olderHref: olderThan('/admin/clients', rows) }))
})

app.route('GET', '/admin/connections', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Lists identity providers'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/connections')
  demandPlatform(visited)
  const connections = (await listConnections(gateway().reads)).map((one) => ({ ...one, name: one.settings.name }))
  return renderPage(ConnectionsPage({ frame: visited.frame, connections }))
})

app.route('GET', '/admin/webhooks', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Lists outgoing webhooks'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/webhooks')
  const rows = await listWebhooks(gateway().reads, operator.organizationId)
  const webhooks = rows.map(({ id, settings, status, delivered, waiting, dead }) => ({
    ...{ id, ...settings, status, delivered: Number(delivered), waiting, dead },
  }))
  return renderPage(WebhooksPage({ frame: visited.frame, webhooks }))
})

const filters = once(() =>
  z.object({
    person: z.optional(z.uuid()),
    client: z.optional(z.string().check(z.maxLength(200))),
    type: z.optional(z.string().check(z.maxLength(100))),
    request: z.optional(z.uuid()),
    since: z.optional(time()),
    until: z.optional(time()),
    live: z.optional(z.literal('1')),
    cursor: z.optional(z.string().check(z.regex(/^\d{1,18}$/))),
  }),
)

/** Lists all events, newest first; with `live` the page refreshes automatically. */
app.route('GET', '/admin/events', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Shows the filtered timeline of events'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/events')
  const { cursor, live, since, until, ...filter } = readQuery(c, filters())
  const range = { since: since ? timeOf(since) : undefined, until: until ? timeOf(until) : undefined }
  const events = await eventsOf(visited.scope, { ...filter, ...range }, PAGE, cursor)
  const given: Filters = { ...filter, since, until, live }
  const query = Object.entries({ ...given, live: undefined, cursor: events.at(-1)?.position }).flatMap(
    ([name, value]) => (value === undefined ? [] : [[name, String(value)]]),
  )
  const olderHref = events.length < PAGE ? undefined : `/admin/events?${new URLSearchParams(query)}`
  const headers = live ? { Refresh: String(REFRESH_SECONDS) } : undefined
  return renderPage(TimelinePage({ frame: visited.frame, events, filters: given, olderHref }), { headers })
})

/** Lists the events of a request, limited to people whom the operator administers. */
app.route('GET', '/admin/requests/:id', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Shows the events of a request'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/events')
  const request = requireUuid(c.req.param('id'))
  const events = (await eventsOf(visited.scope, { request }, 200)).reverse()
  return renderPage(RequestPage({ frame: visited.frame, id: request, events }))
})

app.route('GET', '/admin/radius', {
  authority: operatorPage('/admin'),
  operation: pageOperation('Shows the blast radius of a credential or event'),
})(async (c, operator) => {
  const visited = visit(c, operator, '/admin/events')
  const { id } = readQuery(c, z.extend(loose(), { id: z.uuid('not_found') }))
  const radius = await operatedBlastRadius(gateway(), visited.operator, id)
  const { origin, followed, acts } = radius
  const at = { type: origin.type, recordedAt: new Date(origin.recorded_at) }
  return renderPage(RadiusPage({ frame: visited.frame, id, origin: at, followed, acts }))
})

const acting = once(() =>
  z.object({
    ...postedForm(),
    act: z.enum(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[], 'not_found'),
    id: z.uuid('not_found'),
    reason: typedReason(),
    back: z.optional(z.string().check(z.maxLength(200))),
  }),
)

const homeOf = ({ back = '' }: Typed) => (back.startsWith('/admin') && safeReturnTo(gateway().config, back)) || '/admin'

/** Performs an operator action on one object, with a reason. */
app.route('POST', '/admin/act', {
  authority: operatorPage('/admin'),
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
