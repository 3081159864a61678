import { copy } from './copy.ts'
import { Fact } from './layout.tsx'

export const MINUTE = 60_000
const UNITS: [milliseconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [365 * 1440 * MINUTE, 'year'],
  [30 * 1440 * MINUTE, 'month'],
  [1440 * MINUTE, 'day'],
  [60 * MINUTE, 'hour'],
  [MINUTE, 'minute'],
]

/** "5 minutes ago", "in 3 days", in the language of the page. */
function fromNow(at: Date, now: Date): string {
  const distance = at.getTime() - now.getTime()
  const [size, unit] = UNITS.find(([milliseconds]) => Math.abs(distance) >= milliseconds) ?? [MINUTE, 'minute']
  const count = Math.round(distance / size)
  if (count === 0) return distance > 0 ? copy.time.soon : copy.time.now
  return new Intl.RelativeTimeFormat(copy.lang).format(count, unit)
}

/** Shows a relative time, with the exact time next to it. */
export function Time({ at, now }: { at: Date; now: Date }) {
  const exact = new Intl.DateTimeFormat(copy.lang, { dateStyle: 'medium', timeStyle: 'long', timeZone: 'UTC' })
  return (
    <time datetime={at.toISOString()} title={exact.format(at)}>
      {fromNow(at, now)}
    </time>
  )
}

type TimeFactProps = { term: string; at?: Date | null; otherwise?: string; now: Date }

/** A term of a definition list and its time; without a time, `otherwise`, or nothing. */
export function TimeFact({ term, at, otherwise, now }: TimeFactProps) {
  if (!at && !otherwise) return null
  return <Fact term={term}>{at ? <Time at={at} now={now} /> : otherwise}</Fact>
}
