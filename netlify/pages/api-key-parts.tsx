import { words } from './api-key-words.ts'
import { fill, scopeSentence } from './copy.ts'
import { displayName } from './safe.ts'

/** A key as the pages show it. */
export type ShownKey = {
  id: string
  name: string
  owner: 'person' | 'organization'
  status: keyof typeof words.status
  preview: string
  scopes: string[]
  createdAt: Date
  lastUsedAt?: Date
  expiresAt?: Date
  usesToday: number
}

const MINUTE = 60_000
const UNITS: [milliseconds: number, unit: string][] = [
  [365 * 1440 * MINUTE, 'year'],
  [30 * 1440 * MINUTE, 'month'],
  [1440 * MINUTE, 'day'],
  [60 * MINUTE, 'hour'],
  [MINUTE, 'minute'],
]

/** "5 minutes ago", "in 3 days". Pages are in English; loading `Intl` data would take a tenth of a cold start. */
function fromNow(at: Date, now: Date): string {
  const distance = at.getTime() - now.getTime()
  const [size, unit] = UNITS.find(([milliseconds]) => Math.abs(distance) >= milliseconds) ?? [MINUTE, 'minute']
  const count = Math.round(Math.abs(distance) / size)
  if (count === 0) return distance > 0 ? 'in a moment' : 'just now'
  const span = `${count} ${unit}${count === 1 ? '' : 's'}`
  return distance > 0 ? `in ${span}` : `${span} ago`
}

/** Shows a relative time, with the exact time next to it. */
export function Time({ at, now }: { at: Date; now: Date }) {
  const exact = `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return (
    <time datetime={at.toISOString()} title={exact}>
      {fromNow(at, now)}
    </time>
  )
}

export const nameOf = ({ name }: Pick<ShownKey, 'name'>) => displayName(name, words.unnamed)

const isSoon = ({ status, expiresAt }: ShownKey, now: Date) =>
  status === 'active' && expiresAt !== undefined && expiresAt.getTime() - now.getTime() < 7 * 1440 * MINUTE

export function Status({ shown, now }: { shown: ShownKey; now: Date }) {
  const text = isSoon(shown, now) ? words.soon : words.status[shown.status]
  return <span class={shown.status === 'active' && !isSoon(shown, now) ? 'tag good' : 'tag'}>{text}</span>
}

/** Describes the scopes of a key: the first `most`, or all. */
export function Scopes({ scopes, most }: { scopes: string[]; most?: number }) {
  const named = scopes.map((name) => ({ name, ...scopeSentence(name) }))
  const first = most && named.length > most + 1 ? named.slice(0, most) : named
  const left = named.length - first.length
  return (
    <ul class="scopes" aria-label={words.may}>
      {first.map(({ sentence, sensitive }) => (
        <li class={sensitive ? 'sensitive' : undefined}>{sentence}</li>
      ))}
      {left > 0 && <li>{fill(words.more, { count: String(left) }).join('')}</li>}
    </ul>
  )
}

/** Shows when a key was created, last used and expires. */
export function Dates({ shown, now }: { shown: ShownKey; now: Date }) {
  const { createdAt, lastUsedAt, expiresAt, usesToday } = shown
  const today =
    usesToday === 0
      ? words.notToday
      : usesToday === 1
        ? words.once
        : fill(words.times, { count: String(usesToday) }).join('')
  return (
    <dl class="pairs">
      <div>
        <dt>{words.lastUsed}</dt>
        <dd>{lastUsedAt ? <Time at={lastUsedAt} now={now} /> : words.never}</dd>
      </div>
      <div>
        <dt>{words.today}</dt>
        <dd>{today}</dd>
      </div>
      <div>
        <dt>{words.expires}</dt>
        <dd>{expiresAt ? <Time at={expiresAt} now={now} /> : words.never}</dd>
      </div>
      <div>
        <dt>{words.created}</dt>
        <dd>
          <Time at={createdAt} now={now} />
        </dd>
      </div>
    </dl>
  )
}
