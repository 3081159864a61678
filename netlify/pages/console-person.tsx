import type { Child } from 'hono/jsx'
import type { BlastRadius } from '../../shared/audit/blast-radius.ts'
import type { StateAt } from '../../shared/domain/state-at.ts'
import type { ListedKey, ListedPerson, ListedSession } from '../../shared/queries/console.ts'
import { EventList, type ShownEvent } from './console-events.tsx'
import { KeyList, SessionList } from './console-lists.tsx'
import { Action, ConsolePage, type Frame, Listing, PersonLink } from './console-parts.tsx'
import { words } from './console-words.ts'
import { fill } from './copy.ts'
import { Submit, TextField } from './form-parts.tsx'
import { Fact, Section } from './layout.tsx'
import { displayName } from './safe.ts'
import { Time, TimeFact } from './time.tsx'

/** A person's credentials at a time, each kind as text. */
const heldAt = ({ sessions, tokens, keys, agents, consents }: StateAt) => [
  { kind: 'sessions' as const, list: sessions.map(({ method, acr }) => `${method} (${acr.split(':').at(-1)})`) },
  { kind: 'tokens' as const, list: tokens.map(({ client_id, scopes }) => `${client_id} (${scopes.join(' ')})`) },
  { kind: 'keys' as const, list: keys.map(({ preview, scopes }) => `${preview} (${scopes.join(' ')})`) },
  { kind: 'agents' as const, list: agents.map(({ client_id, scopes }) => `${client_id} (${scopes.join(' ')})`) },
  { kind: 'consents' as const, list: consents.map(({ client_id, scopes }) => `${client_id} (${scopes.join(' ')})`) },
]

type Props = {
  frame: Frame
  person: ListedPerson
  sessions: ListedSession[]
  keys: ListedKey[]
  events: ShownEvent[]
  /** The requested time and the state at that time. */
  past?: { at: string; state?: StateAt }
}

/** Everything about one person: who they are, what they hold, what happened, and what they could do at a time. */
export function PersonPage({ frame, person, sessions, keys, events, past }: Props) {
  const text = words.person
  const back = `/admin/people/${person.uai}`
  const title = displayName(person.email, words.unnamed)
  const suspension = person.status === 'suspended' ? 'reinstate' : 'suspend'
  return (
    <ConsolePage frame={frame} title={title}>
      <dl class="facts wide">
        <Fact term={text.uai} mono>
          {person.uai}
        </Fact>
        <Fact term={words.columns.status}>
          {person.status} · {person.role}
        </Fact>
        <Fact term={text.organization} mono>
          {person.organizationId}
        </Fact>
        <TimeFact term={text.created} at={person.createdAt} now={frame.now} />
      </dl>
      {frame.readOnly && <p>{text.readOnly}</p>}
      {person.status !== 'erased' && (
        <div class="row across">
          <Action frame={frame} act={suspension} id={person.uai} what={title} back={back} />
          <Action frame={frame} act="erase" id={person.uai} what={title} back="/admin/people" />
        </div>
      )}
      <Section id="sessions" title={text.sessions}>
        <SessionList frame={frame} rows={sessions} back={back} />
      </Section>
      <Section id="keys" title={text.keys}>
        <KeyList frame={frame} rows={keys} back={back} />
      </Section>
      <Section id="past" title={text.past}>
        <form method="get" action={back} class="search">
          <TextField
            name="at"
            label={text.at}
            value={past?.at}
            placeholder={frame.now.toISOString().slice(0, 16)}
            maxlength={30}
          />
          <Submit kind="small" text={text.look} />
        </form>
        {past && (
          <>
            <p>{past.state ? `${past.state.status} · ${past.state.role}` : words.none}</p>
            <dl class="facts wide">
              {past.state &&
                heldAt(past.state).map(({ kind, list }) => (
                  <Fact term={text[kind]}>
                    {list.length === 0
                      ? '0'
                      : fill(text.held, { count: String(list.length), list: list.join(', ') }).join('')}
                  </Fact>
                ))}
            </dl>
          </>
        )}
      </Section>
      <Section id="events" title={text.events}>
        <EventList events={events} now={frame.now} label={text.events} />
        <p>
          <a href={`/admin/events?person=${person.uai}`}>{words.all}</a>
        </p>
      </Section>
    </ConsolePage>
  )
}

/** Shows the blast radius of a credential or event, with a button to revoke all of it. */
export function RadiusPage({ frame, id, radius }: { frame: Frame; id: string; radius: BlastRadius }) {
  const text = words.radius
  const { origin, followed, acts } = radius
  return (
    <ConsolePage frame={frame} title={text.title}>
      <p class="lead">{text.lead}</p>
      <p>
        <strong>{origin.type}</strong> <Time at={new Date(origin.recorded_at)} now={frame.now} />{' '}
        <span class="mono">{id}</span>
      </p>
      <Listing
        label={text.title}
        columns={['session', 'origin', 'person', 'since', 'status']}
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
        <Section id="acts" title={text.acts}>
          <Listing
            label={text.acts}
            columns={['time', 'event', 'person']}
            rows={acts.map((one): Child[] => [
              <Time at={new Date(one.recorded_at)} now={frame.now} />,
              one.type,
              one.subject ? <PersonLink uai={one.subject} /> : '',
            ])}
          />
        </Section>
      )}
    </ConsolePage>
  )
}
