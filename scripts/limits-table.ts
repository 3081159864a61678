import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { rules } from '../shared/limits.ts'

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

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const target = process.argv[2] ?? 'docs/limits.md'
  writeFileSync(target, withLimitsTable(readFileSync(target, 'utf8')))
}
