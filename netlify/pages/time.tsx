import { Fact } from './layout.tsx'

export const MINUTE = 60_000
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

type TimeFactProps = { term: string; at?: Date | null; otherwise?: string; now: Date }

/** A term of a definition list and its time; without a time, `otherwise`, or nothing. */
export function TimeFact({ term, at, otherwise, now }: TimeFactProps) {
  if (!at && !otherwise) return null
  return <Fact term={term}>{at ? <Time at={at} now={now} /> : otherwise}</Fact>
}
