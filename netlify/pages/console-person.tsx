import type { Child } from 'hono/jsx'
import type { Follower } from '../../shared/audit/blast-radius.ts'
import { Time } from './api-key-parts.tsx'
import { KeyList, SessionList, type ShownKeyRow, type ShownLiveSession, type ShownPerson } from './console.tsx'
import { EventList, type ShownEvent } from './console-events.tsx'
import { Action, ConsolePage, type Frame, Listing, PersonLink } from './console-parts.tsx'
import { words } from './console-words.ts'
import { fill } from './copy.ts'
import { Fact } from './layout.tsx'
import { displayName } from './safe.ts'

/** A person's credentials at a time, each kind as text. */
export type Held = { kind: 'sessions' | 'tokens' | 'keys' | 'agents' | 'consents'; list: string[] }

type Props = {
  frame: Frame
  person: ShownPerson & { organizationId: string; name?: string }
  sessions: ShownLiveSession[]
  keys: ShownKeyRow[]
  events: ShownEvent[]
  /** The requested time and the state at that time. */
  past?: { at: string; status?: string; role?: string; held: Held[] }
}

/** Everything about one person: who they are, what they hold, what happened, and what they could do at a time. */
export function PersonPage({ frame, person, sessions, keys, events, past }: Props) {
  const text = words.person
  const back = `/admin/people/${person.uai}`
  const title = displayName(person.email, words.unnamed)
  return (
    <ConsolePage frame={frame} title={title}>
      <dl class="facts wide">
        <Fact term={text.uai}>
          <span class="mono">{person.uai}</span>
        </Fact>
        <Fact term={words.columns.status}>
          {person.status} · {person.role}
        </Fact>
        <Fact term={text.organization}>
          <span class="mono">{person.organizationId}</span>
        </Fact>
        <Fact term={text.created}>
          <Time at={person.createdAt} now={frame.now} />
        </Fact>
      </dl>
      {frame.readOnly && <p>{text.readOnly}</p>}
      {person.status !== 'erased' && (
        <div class="row across">
          <Action
            frame={frame}
            act={person.status === 'suspended' ? 'reinstate' : 'suspend'}
            id={person.uai}
            what={title}
            back={back}
          />
          <Action frame={frame} act="erase" id={person.uai} what={title} back="/admin/people" />
        </div>
      )}
      <section aria-labelledby="sessions">
        <h2 id="sessions">{text.sessions}</h2>
        <SessionList frame={frame} sessions={sessions} back={back} />
      </section>
      <section aria-labelledby="keys">
        <h2 id="keys">{text.keys}</h2>
        <KeyList frame={frame} keys={keys} back={back} />
      </section>
      <section aria-labelledby="past">
        <h2 id="past">{text.past}</h2>
        <form method="get" action={back} class="search">
          <label for="at">{text.at}</label>
          <input
            id="at"
            name="at"
            type="text"
            value={past?.at}
            placeholder={frame.now.toISOString().slice(0, 16)}
            maxlength={30}
            autocomplete="off"
          />
          <button class="button small" type="submit">
            {text.look}
          </button>
        </form>
        {past && (
          <>
            <p>{past.status ? `${past.status} · ${past.role}` : words.none}</p>
            <dl class="facts wide">
              {past.held.map(({ kind, list }) => (
                <Fact term={text[kind]}>
                  {list.length === 0
                    ? '0'
                    : fill(text.held, { count: String(list.length), list: list.join(', ') }).join('')}
                </Fact>
              ))}
            </dl>
          </>
        )}
      </section>
      <section aria-labelledby="events">
        <h2 id="events">{text.events}</h2>
        <EventList events={events} now={frame.now} label={text.events} />
        <p>
          <a href={`/admin/events?person=${person.uai}`}>{words.all}</a>
        </p>
      </section>
    </ConsolePage>
  )
}

type RadiusProps = {
  frame: Frame
  id: string
  origin: { type: string; recordedAt: Date }
  followed: Follower[]
  acts: { event: string; type: string; subject: string | null; recorded_at: string }[]
}

/** Shows the blast radius of a credential or event, with a button to revoke all of it. */
export function RadiusPage({ frame, id, origin, followed, acts }: RadiusProps) {
  const text = words.radius
  const { event, session, person, since, status, time } = words.columns
  return (
    <ConsolePage frame={frame} title={text.title}>
      <p class="lead">{text.lead}</p>
      <p>
        <strong>{origin.type}</strong> <Time at={origin.recordedAt} now={frame.now} /> <span class="mono">{id}</span>
      </p>
      <Listing
        label={text.title}
        columns={[session, words.columns.origin, person, since, status]}
        rows={followed.map((one): Child[] => [
          `${one.kind} ${one.id.slice(-8)}${one.label ? ` (${one.label})` : ''}`,
          one.from === one.id ? '' : one.from.slice(-8),
          one.uai ? <PersonLink uai={one.uai} /> : '',
          <Time at={new Date(one.since)} now={frame.now} />,
          one.live ? text.live : text.ended,
        ])}
      />
      {followed.some(({ live }) => live) && (
        <Action frame={frame} act="revokeAll" id={id} what={text.title} back={`/admin/radius?id=${id}`} />
      )}
      {acts.length > 0 && (
        <section aria-labelledby="acts">
          <h2 id="acts">{text.acts}</h2>
          <Listing
            label={text.acts}
            columns={[time, event, person]}
            rows={acts.map((one): Child[] => [
              <Time at={new Date(one.recorded_at)} now={frame.now} />,
              one.type,
              one.subject ? <PersonLink uai={one.subject} /> : '',
            ])}
          />
        </section>
      )}
    </ConsolePage>
  )
}
