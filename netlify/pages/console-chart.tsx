import { words } from './console-words.ts'
import { fill } from './copy.ts'

export type Bar = { label: string; count: number }

const WIDTH = 320
const HEIGHT = 72

/** A bar chart that fills its height; the description has the numbers. */
export function Chart({ title, bars }: { title: string; bars: Bar[] }) {
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
