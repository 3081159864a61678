import type { Child } from 'hono/jsx'
import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { Time } from './api-key-parts.tsx'
import { ConsolePage, type Frame, Listing, Older } from './console-parts.tsx'
import { words } from './console-words.ts'
import { Fact } from './layout.tsx'

/** An event as the console shows it. */
export type ShownEvent = {
  id: string
  type: string
  stream: { type: string; id: string }
  subject: string | null
  recorded_at: string
  actor: { type: string; id: string | null }
  client_id: string | null
  request_id: string | null
  caused_by: string | null
  data: object
  personal?: object | null
  origin?: { ip?: string; user_agent?: string }
}

const isUai = (text: string | null): text is string => text !== null && /^[0-9a-f-]{36}$/.test(text)

/** Streams with their own data key, such as challenges, have no person yet. */
const isPerson = ({ subject, stream }: ShownEvent) => stream.type === 'identity' || subject !== stream.id

function Who({ id, type }: { id: string | null; type: string }) {
  return (
    <>
      {type}{' '}
      {isUai(id) ? (
        <a class="id" href={`/admin/people/${id}`}>
          {id.slice(-8)}
        </a>
      ) : (
        (id ?? '')
      )}
    </>
  )
}

const brief = (event: ShownEvent) => {
  const text = JSON.stringify({ ...event.data, ...event.personal })
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

/** Events as rows, newest first. */
export function EventList({ events, now, label }: { events: ShownEvent[]; now: Date; label: string }) {
  const { time, event: what, person, actor, request } = words.columns
  const rows = events.map((event): Child[] => [
    <Time at={new Date(event.recorded_at)} now={now} />,
    <>
      <strong>{event.type}</strong>
      <br />
      <code>{brief(event)}</code>
    </>,
    isUai(event.subject) ? (
      <a class="id" href={`/admin/people/${event.subject}`}>
        {event.subject.slice(-8)}
      </a>
    ) : (
      ''
    ),
    <>
      <Who {...event.actor} />
      {event.client_id && (
        <>
          <br />
          <bdi>{event.client_id}</bdi>
        </>
      )}
    </>,
    event.request_id ? (
      <a class="id" href={`/admin/requests/${event.request_id}`}>
        {event.request_id.slice(-8)}
      </a>
    ) : (
      ''
    ),
  ])
  return <Listing columns={[time, what, person, actor, request]} rows={rows} label={label} />
}

const FIELDS = ['person', 'client', 'type', 'request', 'since', 'until'] as const
export type Filters = Partial<Record<(typeof FIELDS)[number], string>> & { live?: string }

/** The timeline, with its filters. */
export function TimelinePage({
  frame,
  events,
  filters,
  olderHref,
}: {
  frame: Frame
  events: ShownEvent[]
  filters: Filters
  olderHref?: string
}) {
  const text = words.filters
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/events']}>
      <details open={Object.values(filters).some(Boolean)}>
        <summary>{text.title}</summary>
        <form method="get" action="/admin/events" class="choices">
          {FIELDS.map((name) => (
            <div>
              <label for={name}>{text[name]}</label>
              <input id={name} name={name} type="text" value={filters[name]} maxlength={200} autocomplete="off" />
            </div>
          ))}
          <label class="choice">
            <input type="checkbox" name="live" value="1" checked={filters.live === '1'} />
            {text.live}
          </label>
          <div class="actions across">
            <button class="button primary" type="submit">
              {text.apply}
            </button>
            <a class="button" href="/admin/events">
              {text.clear}
            </a>
          </div>
        </form>
      </details>
      <EventList events={events} now={frame.now} label={words.sections['/admin/events']} />
      <Older href={olderHref} />
    </ConsolePage>
  )
}

/** Lists the events of a request, step by step. */
export function RequestPage({ frame, id, events }: { frame: Frame; id: string; events: ShownEvent[] }) {
  const text = words.request
  const [first] = events
  return (
    <ConsolePage frame={frame} title={text.title}>
      <dl class="facts">
        <Fact term={words.columns.request}>
          <span class="mono">{id}</span>
        </Fact>
        {first && (
          <Fact term={words.columns.time}>
            <Time at={new Date(first.recorded_at)} now={frame.now} />
          </Fact>
        )}
        {first?.origin?.ip && (
          <Fact term={text.from}>
            {first.origin.ip} {describeUserAgent(first.origin.user_agent)}
          </Fact>
        )}
      </dl>
      {events.length === 0 && <p>{words.none}</p>}
      <ol class="history">
        {events.map((event) => (
          <li>
            <strong>{event.type}</strong> · {event.stream.type}{' '}
            <a href={`/admin/radius?id=${event.id}`}>{event.stream.id.slice(-8)}</a>
            {isUai(event.subject) && isPerson(event) && (
              <>
                {' · '}
                <a href={`/admin/people/${event.subject}`}>{words.columns.person.toLowerCase()}</a>
              </>
            )}{' '}
            · <Who {...event.actor} />
            {event.caused_by && <span class="tag good">{text.followed}</span>}
            <br />
            <code>{JSON.stringify({ ...event.data, ...event.personal })}</code>
          </li>
        ))}
      </ol>
    </ConsolePage>
  )
}
