import { parseArgs } from 'node:util'
import type postgres from 'postgres'
import { archiveMonth } from './lib/archive-month.ts'
import { listMonths, type Month } from './lib/months.ts'
import { withGateway } from './lib/operator.ts'
import { operatorConnection } from './lib/operator-environment.ts'
import { folderOf, program, RefusedError, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `npm run archive -- list [--json]                                lists the months of short-lived streams, and which can be archived
npm run archive -- make [<YYYY-MM>…] --to <folder> [--json]      archives months into files there; without a month, all that can be archived

A month can be archived when nothing that began in it can be used any more. Its file is verified before anything is removed, and can always be
verified again: node scripts/verify-export.mjs <file> [<log.jsonl>]. Keep it as long as the log; npm run events -- verify --archives <folder> compares.`

type Listed = { month: string; megabytes: number | null; state: string; file: string | null }

async function list(sql: postgres.Sql): Promise<Listed[]> {
  const made = await sql<{ month: string; file: string }[]>`
    select to_char(month, 'YYYY-MM') as month, file from auth_gateway.archives order by month`
  const stored = await listMonths(sql)
  return [
    ...made.map(({ month, file }) => ({ month, megabytes: null, state: 'archived', file })),
    ...stored.map(({ month, bytes, obstacle }) => {
      const megabytes = Math.round(bytes / 1e6)
      return { month, megabytes, state: obstacle ?? 'can be archived', file: null }
    }),
  ]
}

/** @throws RefusedError for a month that is not stored */
async function selectMonths(sql: postgres.Sql, months: string[]): Promise<Month[]> {
  const stored = await listMonths(sql)
  const unknown = months.find((month) => !stored.some((one) => one.month === month))
  if (unknown) throw new RefusedError(`There is no month ${unknown} in the store: list shows them`)
  return stored.filter(({ month, obstacle }) => (months.length > 0 ? months.includes(month) : obstacle === null))
}

async function command(args: string[], terminal: Terminal): Promise<number> {
  const options = { json: { type: 'boolean' }, to: { type: 'string' } } as const
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action = '', ...months] = positionals
  const { out } = terminal
  const isList = action === 'list' && months.length === 0
  if (!isList && action !== 'make') throw new UsageError(`There is no "${positionals.join(' ')}"`)
  const folder = isList || flags.to === undefined ? undefined : folderOf(terminal, flags.to)
  if (!isList && folder === undefined) throw new UsageError('make needs --to <folder>')
  const sql = operatorConnection(terminal.env, 'archive')
  return withGateway(terminal, async (gateway) => {
    if (folder === undefined) {
      const rows = await list(sql)
      const shown = rows.map((row) => ({ ...row, megabytes: String(row.megabytes ?? '-'), file: row.file ?? '-' }))
      out(flags.json ? JSON.stringify(rows, null, 2) : table(shown) || 'no months yet')
      return 0
    }
    for (const month of await selectMonths(sql, months)) {
      const made = await archiveMonth({ sql, gateway }, month, folder)
      out(
        flags.json
          ? JSON.stringify(made)
          : `${made.month}: ${made.events} events of ${made.streams} streams in ${made.file}`,
      )
    }
    return 0
  }).finally(() => sql.end())
}

/** Operator command: archives old months of the event store. */
export const archive = await program(import.meta.url, USAGE, command)
