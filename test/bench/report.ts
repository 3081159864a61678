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
  const { perSecond, share, p50, p99, cpu, databaseCpu, statements, writes, residentMegabytes } = row
  const columns = [
    cell(perSecond, 0),
    share === undefined ? '' : `${(share * 100).toFixed(0)} %`,
    cell(p50, 1),
    cell(p99, 1),
    cell(cpu, 0),
    cell(databaseCpu, 0),
    cell(statements, 2),
    cell(writes, 2),
    cell(residentMegabytes, 0),
  ]
  const padded = columns.map((text, index) => text.padStart(COLUMNS[index]?.length ?? 0))
  const wrong = row.unexpected > 0 ? ` ${row.unexpected} answers of another status` : ''
  console.log(`| ${row.name.padEnd(36)} | ${padded.join(' | ')} |${wrong}`)
}
