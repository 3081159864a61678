import { words } from './account-words.ts'
import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { Fact, Hidden, Name } from './layout.tsx'
import { displayName } from './safe.ts'

export type ShownSession = { id: string; current: boolean; device?: string; ip?: string; startedAt: Date; seenAt: Date }

type Form = Record<string, string>

/** Where a person is signed in. */
export function AccountSessions(props: { base: string; form: Form; sessions: ShownSession[]; now: Date }) {
  const { base, form, sessions, now } = props
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">{words.sessions}</h2>
      <ul class="cards">
        {sessions.map((session) => (
          <li>
            <Session session={session} base={base} form={form} now={now} />
          </li>
        ))}
      </ul>
      {sessions.length > 1 && (
        <form method="post" action={`${base}/sessions/end`} class="actions">
          <Hidden fields={{ ...form, which: 'others' }} />
          <button class="button" type="submit">
            {words.endOthers}
          </button>
        </form>
      )}
    </section>
  )
}

function Session({ session, base, form, now }: { session: ShownSession; base: string; form: Form; now: Date }) {
  const { id, current, device, ip, startedAt, seenAt } = session
  const name = displayName(device ?? '', words.unknown)
  return (
    <article class="row">
      <div>
        <h3>
          <Name>{name}</Name> {current && <span class="tag good">{words.here}</span>}
        </h3>
        <dl class="pairs">
          <Fact term={words.started}>
            <Time at={startedAt} now={now} />
          </Fact>
          <Fact term={words.lastSeen}>
            <Time at={seenAt} now={now} />
          </Fact>
          {ip && <Fact term={words.from}>{ip}</Fact>}
        </dl>
      </div>
      {!current && (
        <form method="post" action={`${base}/sessions/end`}>
          <Hidden fields={{ ...form, which: id }} />
          <button class="button small" type="submit" aria-label={fill(words.endWhich, { name }).join('')}>
            {words.end}
          </button>
        </form>
      )}
    </article>
  )
}
