import { words } from './api-key-words.ts'
import { fill, scopeSentence } from './copy.ts'
import { Fact } from './layout.tsx'
import { displayName } from './safe.ts'
import { MINUTE, TimeFact } from './time.tsx'

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

export const nameOf = ({ name }: Pick<ShownKey, 'name'>) => displayName(name, words.unnamed)

const isSoon = ({ status, expiresAt }: ShownKey, now: Date) =>
  status === 'active' && expiresAt !== undefined && expiresAt.getTime() - now.getTime() < 7 * 1440 * MINUTE

export function Status({ shown, now }: { shown: ShownKey; now: Date }) {
  const text = isSoon(shown, now) ? words.soon : words.status[shown.status]
  return <span class={shown.status === 'active' && !isSoon(shown, now) ? 'tag good' : 'tag'}>{text}</span>
}

/** Describes scopes: the first `most`, or all. */
export function Scopes({ scopes, most, label = words.may }: { scopes: string[]; most?: number; label?: string }) {
  const named = scopes.map((name) => ({ name, ...scopeSentence(name) }))
  const first = most && named.length > most + 1 ? named.slice(0, most) : named
  const left = named.length - first.length
  return (
    <ul class="scopes" aria-label={label}>
      {first.map(({ sentence, sensitive }) => (
        <li class={sensitive ? 'sensitive' : undefined}>{sentence}</li>
      ))}
      {left > 0 && <li>{fill(words.more, { count: String(left) }).join('')}</li>}
    </ul>
  )
}

function usesText(count: number): string {
  if (count === 0) return words.notToday
  return count === 1 ? words.once : fill(words.times, { count: String(count) }).join('')
}

/** Shows when a key was created, last used and expires. */
export function Dates({ shown, now }: { shown: ShownKey; now: Date }) {
  const { createdAt, lastUsedAt, expiresAt, usesToday } = shown
  return (
    <dl class="pairs">
      <TimeFact term={words.lastUsed} at={lastUsedAt} otherwise={words.never} now={now} />
      <Fact term={words.today}>{usesText(usesToday)}</Fact>
      <TimeFact term={words.expires} at={expiresAt} otherwise={words.never} now={now} />
      <TimeFact term={words.created} at={createdAt} now={now} />
    </dl>
  )
}
