import type { ColdStart } from './cold-start.ts'
import type { Row } from './measure.ts'

const COLUMNS = [
  'requests/s',
  'of yardstick',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  'Postgres µs',
  'statements',
  'commits',
  'RSS MB',
]

const cell = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits))

/** The head of the table, as Markdown. */
export function printHead(): void {
  console.log(`| ${''.padEnd(36)} | ${COLUMNS.join(' | ')} |\n|---|${COLUMNS.map(() => '--:|').join('')}`)
}

export function print(row: Row): void {
  const { perSecond, share, p50, p99, cpu, databaseCpu, statements, commits, residentMegabytes } = row
  const columns = [
    cell(perSecond, 0),
    share === undefined ? '' : `${(share * 100).toFixed(0)} %`,
    cell(p50, 1),
    cell(p99, 1),
    cell(cpu, 0),
    cell(databaseCpu, 0),
    cell(statements, 2),
    cell(commits, 2),
    cell(residentMegabytes, 0),
  ]
  const padded = columns.map((text, index) => text.padStart(COLUMNS[index]?.length ?? 0))
  const { unexpected } = row
  const wrong = unexpected.length > 0 ? ` ${unexpected.length} answers of status ${[...new Set(unexpected)]}` : ''
  console.log(`| ${row.name.padEnd(36)} | ${padded.join(' | ')} |${wrong}`)
}

/** CPU and memory of cold starts, as Markdown, the slowest first. */
export function printColdStarts(all: ColdStart[]): void {
  console.log('\n| cold start | ms | CPU ms | of the bare server |\n|---|--:|--:|--:|')
  for (const { name, milliseconds, cpu, times } of all.toSorted((a, b) => b.cpu - a.cpu))
    console.log(`| ${name} | ${cell(milliseconds, 0)} | ${cell(cpu, 0)} | ${cell(times, 2)} |`)
}

/** How many times the CPU that it took at first a read takes later. */
function growth(rows: Row[], suffix: RegExp): number[] {
  return rows
    .filter(({ name }) => suffix.test(name))
    .flatMap((later) => {
      const first = rows.find(({ name }) => name === later.name.replace(suffix, ''))
      if (!first?.cpu || !later.cpu) return []
      return [later.cpu / first.cpu]
    })
}

/** What was meant to be reached, and what was. */
export function printGoals(rows: Row[], coldStarts: ColdStart[]): void {
  const reads = rows.filter(({ name }) => /^(verify|resolve|introspect)/.test(name) && !/limited/.test(name))
  const goals: [goal: string, reached: string][] = [
    [
      'reads reach 60 % of the yardstick',
      reads.map(({ name, share = 0 }) => `${name} ${cell(share * 100, 0)} %`).join('; '),
    ],
    ['reads take one statement', cell(Math.max(...reads.map(({ statements }) => statements)), 2)],
    [
      'CPU at many rows ≤ 1.05 of that at few',
      growth(rows, /, [\d,]+ rows$/)
        .map((one) => cell(one, 2))
        .join('; '),
    ],
    [
      'CPU after many requests ≤ 1.05 of that before',
      growth(rows, /, after .*$/)
        .map((one) => cell(one, 2))
        .join('; '),
    ],
    ['cold start ≤ 1.25 of a bare server', cell(Math.max(...coldStarts.map(({ times }) => times)), 2)],
    ['peak memory ≤ 130 MB', cell(Math.max(...rows.map(({ peakMegabytes = 0 }) => peakMegabytes)), 0)],
  ]
  console.log(`\n${goals.map(([goal, reached]) => `- ${goal}: ${reached}`).join('\n')}`)
}
