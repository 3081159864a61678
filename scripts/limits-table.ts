import { readFileSync, writeFileSync } from 'node:fs'
import { rules } from '../shared/limits.ts'
import { program, readFlags, runAsProgram } from './lib/terminal.ts'

const TARGET = 'docs/limits.md'
const USAGE = `npx tsx scripts/limits-table.ts

Writes the table of all rate limits into ${TARGET}.`
const START = '<!-- limits:start -->'
const END = '<!-- limits:end -->'

/** Every limit of `shared/limits.ts` as a Markdown table. */
export function limitsTable(): string {
  const rows = Object.entries(rules).map(([name, { counts, fallback }]) => {
    const tiers = fallback.split(' | ').map((tier) => `\`${tier}\``)
    return `| \`${name}\` | ${tiers.join(', ')} | ${counts} |`
  })
  return ['| Limit | Default | Counts |', '|---|---|---|', ...rows].join('\n')
}

/**
 * Replaces what stands between the markers of a Markdown text.
 * @throws {Error} when the markers are missing.
 */
export function withLimitsTable(markdown: string): string {
  const [before, rest] = markdown.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`no ${START} and ${END} markers`)
  return `${before}${START}\n${limitsTable()}\n${END}${after}`
}

async function command(args: string[]): Promise<number> {
  readFlags(args, {})
  writeFileSync(TARGET, withLimitsTable(readFileSync(TARGET, 'utf8')))
  return 0
}

export const limitsTableProgram = program(USAGE, command, { alone: true })

await runAsProgram(import.meta.url, limitsTableProgram)
