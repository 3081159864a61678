import { parseArgs } from 'node:util'
import { listConnections } from '../shared/queries/connections.ts'
import { withGateway } from './lib/operator.ts'
import { CHECKS, checkConnection, type Verdict } from './lib/provider-checks.ts'
import { program, type Terminal, table, UsageError } from './lib/terminal.ts'

const USAGE = `node scripts/check-oauth-providers.mjs [<slug>] [--json]

Checks discovery, keys, client credentials and callback of each configured connection. No user signs in: the check sends a code that the
provider never issued, and the provider's error shows whether it accepts the client.
Exit code 0: all right, 1: something is wrong, 2: wrong usage.`

const sign = (verdict: Verdict) => (verdict ? (verdict.ok ? 'ok' : 'WRONG') : '-')

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' } },
  })
  if (positionals.length > 1) throw new UsageError(`There is no "${positionals.join(' ')}"`)
  return withGateway(terminal, async (gateway) => {
    const all = await listConnections(gateway.reads)
    const selected = positionals[0] ? all.filter(({ slug }) => slug === positionals[0]) : all
    if (positionals[0] && selected.length === 0) throw new UsageError(`There is no connection "${positionals[0]}"`)
    const results = await Promise.all(selected.map((one) => checkConnection(gateway, one)))
    const problems = results.flatMap((one) =>
      CHECKS.flatMap((name) => (one[name]?.ok === false ? [`${one.slug}: ${name}: ${one[name]?.detail}`] : [])),
    )
    if (flags.json) terminal.out(JSON.stringify(results, null, 2))
    else {
      const rows = results.map((one) => ({
        connection: one.slug,
        status: one.status,
        protocol: one.protocol,
        ...Object.fromEntries(CHECKS.map((name) => [name, sign(one[name])])),
      }))
      terminal.out(table(rows as Record<string, string>[]) || 'no connections yet: npm run connections -- add')
      for (const problem of problems) terminal.err(problem)
    }
    return problems.length > 0 ? 1 : 0
  })
}

/** Operator command: checks whether people can sign in with the connected identity providers. */
export const checkProviders = await program(import.meta.url, USAGE, command, { alone: true })
