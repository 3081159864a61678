import { median } from '../measure.ts'
import type { ColdStart } from './cold-start.ts'
import type { Counts } from './counts.ts'
import { isQuiet, type Slice } from './slice.ts'
import type { StaleAnswers } from './stale.ts'
import { type OperationName, REFERENCE, TITLES } from './types.ts'

type Goal = { operation: OperationName; times: number; than: string }

/** What the project must reach, as a multiple of what another server reaches in the same run. */
const GOALS: Goal[] = [
  { operation: 'O1', times: 1, than: 'oidc-pg' },
  { operation: 'O2', times: 1.5, than: 'oidc-pg' },
  { operation: 'O3', times: 1, than: 'oidc-mem' },
  { operation: 'O4', times: 1.2, than: 'oidc-pg' },
  { operation: 'O5', times: 6, than: 'better-auth' },
  { operation: 'O5', times: 0.4, than: 'raw' },
  { operation: 'O6', times: 10, than: 'better-auth' },
  { operation: 'O7', times: 0.8, than: 'openauth' },
  { operation: 'O8', times: 1, than: 'oidc-pg' },
]

/** Rounds to three digits or to a whole number. */
function number(value: number | undefined): string {
  if (value === undefined) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const line = (cells: string[]) => `| ${cells.join(' | ')} |`

const COLUMNS = [
  'flows/s',
  'p50 ms',
  'p99 ms',
  'CPU ms',
  'Postgres ms',
  'peak MB',
  'statements',
  'writes',
  'WAL KB',
  'events',
  'of the goal',
]

/** The median over the slices that count: the quiet ones, or all if there is none. */
class Row {
  readonly slices: Slice[]
  readonly isQuiet: boolean

  constructor(all: Slice[]) {
    const quiet = all.filter(isQuiet)
    this.isQuiet = quiet.length > 0
    this.slices = this.isQuiet ? quiet : all
  }

  of(pick: (slice: Slice) => number): number {
    return median(this.slices.map(pick))
  }
}

function rowOf(slices: Slice[], operation: OperationName, peer: string): Row | undefined {
  const own = slices.filter((slice) => slice.operation === operation && slice.peer === peer)
  return own.length > 0 ? new Row(own) : undefined
}

function goalsOf(slices: Slice[], operation: OperationName): string {
  const throughput = (peer: string) => rowOf(slices, operation, peer)?.of(({ flowsPerSecond }) => flowsPerSecond)
  const own = throughput('project')
  return GOALS.filter((goal) => goal.operation === operation)
    .flatMap(({ times, than }) => {
      const other = throughput(than)
      return own && other ? [`${number(own / other)} of ${times} × ${than}`] : []
    })
    .join('; ')
}

const namesOf = (slices: Slice[]) => [...new Set(slices.map(({ peer }) => peer))]

/** The table of an operation's rows, and what went wrong in them. */
export function printOperations(slices: Slice[], counts: Counts[]): void {
  console.log(line(['operation', 'server', ...COLUMNS]))
  console.log(`|---|---|${COLUMNS.map(() => '--:|').join('')}`)
  for (const [name, title] of Object.entries(TITLES) as [OperationName, string][]) {
    for (const peer of namesOf(slices)) {
      const row = rowOf(slices, name, peer)
      if (!row) continue
      const counted = counts.find((one) => one.operation === name && one.peer === peer)
      const isReference = peer === 'raw' && name.startsWith('O')
      console.log(
        line([
          title,
          `${isReference ? `raw (${REFERENCE})` : peer}${row.isQuiet ? '' : ' ~'}`,
          number(row.of(({ flowsPerSecond }) => flowsPerSecond)),
          number(row.of(({ p50 }) => p50)),
          number(row.of(({ p99 }) => p99)),
          number(row.of(({ serverCpu }) => serverCpu)),
          number(row.of(({ databaseCpu }) => databaseCpu)),
          number(row.of(({ peakMegabytes }) => peakMegabytes)),
          number(counted?.statements),
          number(counted?.writes),
          number(counted?.walKilobytes),
          number(counted?.events),
          peer === 'project' ? goalsOf(slices, name) : '',
        ]),
      )
    }
  }
  if (slices.some((slice) => !isQuiet(slice)))
    console.log('\n~ other programs were busy during every slice of this row')
  for (const problem of problemsOf(slices)) console.log(`\n${problem}`)
}

/** A sentence for each slice with errors: such a row is not a result. */
export function problemsOf(slices: Slice[]): string[] {
  return slices.flatMap(({ operation, peer, errors }) =>
    errors.map((error) => `${TITLES[operation]}, ${peer}: ${error}`),
  )
}

export function printStaleAnswers(all: StaleAnswers[]): void {
  console.log('\n| revoked, then read at once at two processes | revoked | stale answers |\n|---|--:|--:|')
  for (const { credential, revoked, stale } of all) console.log(line([credential, String(revoked), String(stale)]))
}

export function printColdStarts(all: ColdStart[]): void {
  if (all.length === 0) return
  console.log('\n| cold start | first answer | ms | MB after it | bundle KB | gzip KB |\n|---|---|--:|--:|--:|--:|')
  const names = new Set(all.map(({ peer, answer }) => `${peer} | ${answer}`))
  for (const name of names) {
    const own = all.filter(({ peer, answer }) => `${peer} | ${answer}` === name)
    const of = (pick: (start: ColdStart) => number) => number(median(own.map(pick)))
    console.log(
      line([
        name,
        of(({ milliseconds }) => milliseconds),
        of(({ megabytes }) => megabytes),
        of(({ bundleKilobytes }) => bundleKilobytes),
        of(({ gzipKilobytes }) => gzipKilobytes),
      ]),
    )
  }
}
