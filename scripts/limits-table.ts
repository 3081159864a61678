import { rules } from '../shared/limits.ts'
import { writeGenerated } from './lib/generated-part.ts'
import { program, readFlags, runAsProgram } from './lib/terminal.ts'

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

async function command(args: string[]): Promise<number> {
  readFlags(args, {})
  writeGenerated(TARGET, 'limits', limitsTable())
  return 0
}

export const limitsTableProgram = program(USAGE, command, { alone: true })

await runAsProgram(import.meta.url, limitsTableProgram)
