import { rules } from '../shared/limits.ts'
import { partProgram } from './lib/generated-part.ts'

const TARGET = 'docs/limits.md'
const USAGE = `npx tsx scripts/limits-table.ts

Writes the table of all rate limits into ${TARGET}.`

/** Returns every limit of `shared/limits.ts` as a Markdown table. */
export function limitsTable(): string {
  const rows = Object.entries(rules).map(([name, { counts, fallback }]) => {
    const tiers = fallback.split(' | ').map((tier) => `\`${tier}\``)
    return `| \`${name}\` | ${tiers.join(', ')} | ${counts} |`
  })
  return ['| Limit | Default | Counts |', '|---|---|---|', ...rows].join('\n')
}

export const limitsTableProgram = await partProgram(import.meta.url, USAGE, {
  file: TARGET,
  name: 'limits',
  make: limitsTable,
})
