import type { Child } from 'hono/jsx'
import type { AuditEvent } from '../../shared/audit/event-view.ts'
import { ConsolePage, type Frame, Listing, Older } from './console-parts.tsx'
import { words } from './console-words.ts'
import { ButtonLink, Submit, TextField } from './form-parts.tsx'
import { Fact } from './layout.tsx'
import { Time, TimeFact } from './time.tsx'

/** An event as the console shows it. */
export type ShownEvent = AuditEvent

const isUai = (text: string | null): text is string => text !== null && /^[0-9a-f-]{36}$/.test(text)

/** Streams with their own data key, such as challenges, have no person yet. */
const isPerson = ({ subject, stream }: ShownEvent) => stream.type === 'identity' || subject !== stream.id

const PersonId = ({ uai }: { uai: string }) => (
  <a class="id" href={`/admin/people/${uai}`}>
    {uai.slice(-8)}
  </a>
)

const Who = ({ id, type }: { id: string | null; type: string }) => (
  <>
    {type} {isUai(id) ? <PersonId uai={id} /> : (id ?? '')}
  </>
)

const brief = (event: ShownEvent) => {
  const text = JSON.stringify({ ...event.data, ...event.personal })
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

/** Events as rows, newest first. */
export function EventList({ events, now, label }: { events: ShownEvent[]; now: Date; label: string }) {
  const rows = events.map((event): Child[] => [
    <Time at={new Date(event.recorded_at)} now={now} />,
    <>
      <strong>{event.type}</strong>
      <br />
      <code>{brief(event)}</code>
    </>,
    isUai(event.subject) ? <PersonId uai={event.subject} /> : '',
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
  return <Listing columns={['time', 'event', 'person', 'actor', 'request']} rows={rows} label={label} />
}

const FIELDS = ['person', 'client', 'type', 'request', 'since', 'until'] as const
export type Filters = Partial<Record<(typeof FIELDS)[number], string>> & { live?: string }

type TimelineProps = { frame: Frame; events: ShownEvent[]; filters: Filters; olderHref?: string }

/** The timeline, with its filters. */
export function TimelinePage({ frame, events, filters, olderHref }: TimelineProps) {
  const text = words.filters
  return (
    <ConsolePage frame={frame} title={words.sections['/admin/events']}>
      <details open={Object.values(filters).some(Boolean)}>
        <summary>{text.title}</summary>
        <form method="get" action="/admin/events" class="choices">
          {FIELDS.map((name) => (
            <div>
              <TextField name={name} label={text[name]} value={filters[name]} maxlength={200} />
            </div>
          ))}
          <label class="choice">
            <input type="checkbox" name="live" value="1" checked={filters.live === '1'} />
            {text.live}
          </label>
          <div class="actions across">
            <Submit text={text.apply} />
            <ButtonLink href="/admin/events" text={text.clear} />
          </div>
        </form>
      </details>
      <EventList events={events} now={frame.now} label={words.sections['/admin/events']} />
      <Older href={olderHref} />
    </ConsolePage>
  )
}

type RequestProps = { frame: Frame; id: string; events: ShownEvent[]; browser?: string }

/** Lists the events of a request, step by step, which a browser sent. */
export function RequestPage({ frame, id, events, browser }: RequestProps) {
  const text = words.request
  const [first] = events
  return (
    <ConsolePage frame={frame} title={text.title}>
      <dl class="facts">
        <Fact term={words.columns.request} mono>
          {id}
        </Fact>
        <TimeFact term={words.columns.time} at={first && new Date(first.recorded_at)} now={frame.now} />
        {first?.origin?.ip && (
          <Fact term={text.from}>
            {first.origin.ip} {browser}
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
