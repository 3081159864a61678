import type { Child } from 'hono/jsx'
import { Time } from './api-key-parts.tsx'
import { type Bar, Chart } from './console-chart.tsx'
import { EventList, type ShownEvent } from './console-events.tsx'
import { Action, ConsolePage, type Frame, Listing, Older, PersonLink } from './console-parts.tsx'
import { words } from './console-words.ts'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Hidden } from './layout.tsx'
import { displayName } from './safe.ts'

type OverviewProps = {
  frame: Frame
  charts: { title: string; bars: Bar[] }[]
  limits: { rule: string; callers: number; hits: number; most: number }[]
  events: ShownEvent[]
  /** Jobs that lag behind the log, a sentence each. */
  behind: string[]
}

/** The overview: lagging jobs, charts, limits, and the newest events. */
export function OverviewPage({ frame, charts, limits, events, behind }: OverviewProps) {
  const text = words.charts
  return (
    <ConsolePage frame={frame} title={words.title}>
      <p class="lead">{frame.platform ? words.scope.everything : words.scope.organization}</p>
      {behind.length > 0 && (
        <section aria-labelledby="behind" class="caution">
          <h2 id="behind">{words.behind}</h2>
          <ul>
            {behind.map((sentence) => (
              <li>{sentence}</li>
            ))}
          </ul>
        </section>
      )}
      <div class="charts">
        {charts.map((chart) => (
          <Chart {...chart} />
        ))}
      </div>
      {frame.platform && (
        <section aria-labelledby="limits">
          <h2 id="limits">{text.limits}</h2>
          <Listing
            label={text.limits}
            columns={[text.rule, text.callers, text.hits, text.most]}
            rows={limits.map(({ rule, callers, hits, most }) => [rule, String(callers), String(hits), String(most)])}
          />
        </section>
      )}
      <section aria-labelledby="newest">
        <h2 id="newest">{words.newest}</h2>
        <EventList events={events} now={frame.now} label={words.newest} />
        <p>
          <a href="/admin/events">{words.all}</a>
        </p>
      </section>
    </ConsolePage>
  )
}

export type ShownPerson = { uai: string; email: string; role: string; status: string; createdAt: Date }

type PeopleProps = { frame: Frame; people: ShownPerson[]; find?: string; olderHref?: string; error?: FormError }

export function PeoplePage({ frame, people, find, olderHref, error }: PeopleProps) {
  const { person, status, role, since } = words.columns
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/people']}>
      <form method="post" action="/admin/people" class="search">
        <Hidden fields={{ csrf: frame.csrf }} />
        <FormProblem error={error} />
        <label for="find">{words.findPeople}</label>
        <input id="find" name="find" type="text" value={find} maxlength={254} autocomplete="off" />
        <button class="button small" type="submit">
          {words.find}
        </button>
      </form>
      <Listing
        label={words.sections['/admin/people']}
        columns={[person, status, role, since]}
        rows={people.map((one) => [
          <PersonLink uai={one.uai} email={one.email} />,
          one.status,
          one.role,
          <Time at={one.createdAt} now={frame.now} />,
        ])}
      />
      <Older href={olderHref} />
    </ConsolePage>
  )
}

export type ShownLiveSession = {
  id: string
  uai: string
  platform: string
  method: string
  startedAt: Date
  expiresAt: Date
}

export function SessionList({ frame, sessions, back }: { frame: Frame; sessions: ShownLiveSession[]; back: string }) {
  const { session, person, platform, since, expires, action } = words.columns
  return (
    <Listing
      label={words.sections['/admin/sessions']}
      columns={[session, person, platform, since, expires, action]}
      rows={sessions.map(({ id, uai, platform: where, method, startedAt, expiresAt }): Child[] => [
        <a href={`/admin/radius?id=${id}`}>{id.slice(-8)}</a>,
        <PersonLink uai={uai} />,
        `${where} · ${method}`,
        <Time at={startedAt} now={frame.now} />,
        <Time at={expiresAt} now={frame.now} />,
        <Action frame={frame} act="end" id={id} what={id.slice(-8)} back={back} />,
      ])}
    />
  )
}

type SessionsProps = { frame: Frame; sessions: ShownLiveSession[]; olderHref?: string }

export function SessionsPage({ frame, sessions, olderHref }: SessionsProps) {
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/sessions']}>
      <SessionList frame={frame} sessions={sessions} back="/admin/sessions" />
      <Older href={olderHref} />
    </ConsolePage>
  )
}

export type ShownKeyRow = {
  id: string
  uai: string
  preview: string
  status: string
  scopes: string[]
  createdAt: Date
}

export function KeyList({ frame, keys, back }: { frame: Frame; keys: ShownKeyRow[]; back: string }) {
  const { key, person, status, scopes, since, action } = words.columns
  return (
    <Listing
      label={words.sections['/admin/keys']}
      columns={[key, person, status, scopes, since, action]}
      rows={keys.map((one): Child[] => [
        <a href={`/admin/radius?id=${one.id}`}>{one.preview}</a>,
        <PersonLink uai={one.uai} />,
        one.status,
        one.scopes.join(' '),
        <Time at={one.createdAt} now={frame.now} />,
        one.status === 'revoked' ? (
          ''
        ) : (
          <Action frame={frame} act="revoke" id={one.id} what={one.preview} back={back} />
        ),
      ])}
    />
  )
}

export function KeysPage({ frame, keys, olderHref }: { frame: Frame; keys: ShownKeyRow[]; olderHref?: string }) {
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/keys']}>
      <KeyList frame={frame} keys={keys} back="/admin/keys" />
      <Older href={olderHref} />
    </ConsolePage>
  )
}

type ClientsProps = {
  frame: Frame
  clients: {
    id: string
    clientId: string
    name: string
    status: string
    origin: string
    firstParty: boolean
    createdAt: Date
  }[]
  olderHref?: string
}

export function ClientsPage({ frame, clients, olderHref }: ClientsProps) {
  const { application, status, origin, since, action } = words.columns
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/clients']}>
      <Listing
        label={words.sections['/admin/clients']}
        columns={[application, status, origin, since, action]}
        rows={clients.map((one): Child[] => [
          <>
            <bdi>{displayName(one.name, one.clientId)}</bdi>
            <br />
            <a href={`/admin/events?${new URLSearchParams({ client: one.clientId })}`}>
              <bdi>{one.clientId}</bdi>
            </a>
          </>,
          one.status,
          one.firstParty ? `${one.origin} · first party` : one.origin,
          <Time at={one.createdAt} now={frame.now} />,
          <Action
            frame={frame}
            act={one.status === 'active' ? 'suspendClient' : 'reinstateClient'}
            id={one.id}
            what={one.clientId}
            back="/admin/clients"
          />,
        ])}
      />
      <Older href={olderHref} />
    </ConsolePage>
  )
}

type ConnectionsProps = { frame: Frame; connections: { id: string; slug: string; name: string; status: string }[] }

export function ConnectionsPage({ frame, connections }: ConnectionsProps) {
  const { provider, status, action } = words.columns
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/connections']}>
      <Listing
        label={words.sections['/admin/connections']}
        columns={[provider, status, action]}
        rows={connections.map(({ id, slug, name, status: how }): Child[] => [
          <>
            <bdi>{displayName(name, slug)}</bdi> <code>{slug}</code>
          </>,
          how,
          <Action
            frame={frame}
            act={how === 'enabled' ? 'disable' : 'enable'}
            id={id}
            what={slug}
            back="/admin/connections"
          />,
        ])}
      />
    </ConsolePage>
  )
}

type WebhooksProps = {
  frame: Frame
  webhooks: {
    id: string
    name: string
    url: string
    status: string
    delivered: number
    waiting: number
    dead: number
  }[]
}

export function WebhooksPage({ frame, webhooks }: WebhooksProps) {
  const { webhook, status, delivered, waiting, dead } = words.columns
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/webhooks']}>
      <Listing
        label={words.sections['/admin/webhooks']}
        columns={[webhook, status, delivered, waiting, dead]}
        rows={webhooks.map((one): Child[] => [
          <>
            <bdi>{displayName(one.name, '')}</bdi>
            <br />
            <code>{one.url}</code>
          </>,
          one.status,
          String(one.delivered),
          String(one.waiting),
          String(one.dead),
        ])}
      />
    </ConsolePage>
  )
}
