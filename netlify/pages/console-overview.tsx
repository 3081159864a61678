import type postgres from 'postgres'
import { countByDay, type RuleCount } from '../../shared/queries/console.ts'
import { EventList, type ShownEvent } from './console-events.tsx'
import { ConsolePage, type Frame, Listing } from './console-parts.tsx'
import { words } from './console-words.ts'
import { fill } from './copy.ts'
import { Section } from './layout.tsx'

const DAYS = 14
const DAY_MS = 86_400_000

/** Event types of each chart. */
const CHARTS: [title: 'signIns' | 'failures' | 'messages' | 'undelivered', types: string[]][] = [
  ['signIns', ['SessionStarted']],
  [
    'failures',
    [
      'OtpAttemptFailed',
      'OtpChallengeLocked',
      'TotpCodeRefused',
      'RequestRefused',
      'RefusalsCounted',
      'RefreshTokenReplayed',
    ],
  ],
  ['messages', ['MessageAccepted']],
  ['undelivered', ['MessageFailed', 'MessageBounced', 'MessageComplained']],
]

type ChartProps = { title: string; bars: { label: string; count: number }[] }

/** Sign-ins, failures and messages per day, for one organization or all. */
export async function chartsOf(
  sql: postgres.Sql,
  organizationId: string | undefined,
  now: Date,
): Promise<ChartProps[]> {
  const first = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS - (DAYS - 1) * DAY_MS)
  const types = CHARTS.flatMap(([, list]) => list)
  const counts = await countByDay(sql, organizationId, { types, since: first })
  const days = Array.from({ length: DAYS }, (_, n) => new Date(first.getTime() + n * DAY_MS).toISOString().slice(0, 10))
  return CHARTS.map(([title, list]) => ({
    title: words.charts[title],
    bars: days.map((day) => ({
      label: day,
      count: counts
        .filter((one) => one.day === day && list.includes(one.type))
        .reduce((sum, one) => sum + one.count, 0),
    })),
  }))
}

const WIDTH = 320
const HEIGHT = 72

/** A bar chart that fills its height; the description has the numbers. */
function Chart({ title, bars }: ChartProps) {
  const most = Math.max(1, ...bars.map(({ count }) => count))
  const step = WIDTH / Math.max(1, bars.length)
  const total = bars.reduce((sum, { count }) => sum + count, 0)
  const heading = fill(words.charts.perDay, { title, days: String(bars.length), total: String(total) }).join('')
  const description = bars
    .filter(({ count }) => count > 0)
    .map(({ label, count }) => `${label}: ${count}`)
    .join(', ')
  return (
    <figure class="chart">
      <figcaption>{heading}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${heading}. ${description || words.charts.none}`}
        preserveAspectRatio="none"
      >
        {bars.map(({ label, count }, index) => {
          const height = count === 0 ? 1 : Math.max(3, (count / most) * HEIGHT)
          return (
            <rect
              x={String(index * step + 1)}
              y={String(HEIGHT - height)}
              width={String(Math.max(1, step - 2))}
              height={String(height)}
              class={count === 0 ? 'empty' : undefined}
            >
              <title>{`${label}: ${count}`}</title>
            </rect>
          )
        })}
      </svg>
    </figure>
  )
}

type OverviewProps = {
  frame: Frame
  charts: ChartProps[]
  limits: RuleCount[]
  events: ShownEvent[]
  /** Jobs that lag behind the log, a sentence each. */
  behind: string[]
}

/** The overview: lagging jobs, charts, limits, and the newest events. */
export function OverviewPage({ frame, charts, limits, events, behind }: OverviewProps) {
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
        <Section id="limits" title={words.limits}>
          <Listing
            label={words.limits}
            columns={['rule', 'callers', 'hits', 'most']}
            rows={limits.map(({ rule, callers, hits, most }) => [rule, String(callers), String(hits), String(most)])}
          />
        </Section>
      )}
      <Section id="newest" title={words.newest}>
        <EventList events={events} now={frame.now} label={words.newest} />
        <p>
          <a href="/admin/events">{words.all}</a>
        </p>
      </Section>
    </ConsolePage>
  )
}
