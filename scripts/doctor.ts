import { type Config, loadConfig } from '../shared/config.ts'
import { createGateway, type Gateway } from '../shared/gateway.ts'
import { inspectDatabase } from '../shared/start.ts'
import { firstKeys } from '../shared/tokens/key-ring.ts'
import { type Checked, ok, warning } from './lib/doctor/check.ts'
import { checkDatabase } from './lib/doctor/database.ts'
import { checkOutside } from './lib/doctor/outside.ts'
import { checkProviders } from './lib/doctor/providers.ts'
import { deploymentEnvironment } from './lib/operator-environment.ts'
import { program, readFlags, type Terminal } from './lib/terminal.ts'

const USAGE = `npm run doctor [-- --json]

Checks a deployment with the variables that it runs with: configuration, database, role, migrations, whether it may start, triggers,
grants, checkpoints, webhooks, messages, partitions, pooler, signing keys, clock, and from outside the issuer, readiness, key set, Supabase projects, cookies and edge functions; says what to fix. With
DATABASE_MIGRATION_URL it also compares the migrations. Changes nothing. Exit code 1: something is wrong; 2: wrong usage.`

const SIGNS = { ok: 'ok     ', warning: 'warning', wrong: 'WRONG  ' }

function textOf(checks: Checked[]): string {
  const width = Math.max(...checks.map(({ check }) => check.length))
  const lines = checks.flatMap(({ check, state, detail, fix }) => [
    `${SIGNS[state]}  ${check.padEnd(width)}  ${detail}`,
    ...(fix ? [`${' '.repeat(width + 11)}→ ${fix}`] : []),
  ])
  const count = (state: Checked['state']) => checks.filter((one) => one.state === state).length
  return [...lines, '', `${count('wrong')} wrong, ${count('warning')} to look at, ${count('ok')} fine`].join('\n')
}

function checkConfiguration(env: NodeJS.ProcessEnv): { config?: Config; checks: Checked[] } {
  try {
    const config = loadConfig(env)
    const { mode, modeReason } = config
    const detail = `${mode}: ${modeReason}`
    const found =
      mode === 'production'
        ? ok(detail)
        : warning(detail, 'Fine on your own machine; a deployment needs a public issuer')
    return { config, checks: [{ check: 'configuration', ...found }] }
  } catch (error) {
    const problems = (error as Error).message.split('\n').slice(1)
    const checks = problems.map((problem) => ({
      check: 'configuration',
      state: 'wrong' as const,
      detail: problem.replace(/^ *- /, ''),
      fix: 'See docs/configuration.md',
    }))
    return { checks }
  }
}

/** Returns a gateway with the key ring of the database, or with keys of its own if none can be opened. Writes nothing. */
async function gatewayOf(config: Config): Promise<Gateway> {
  const first = createGateway(config, firstKeys())
  const found = await inspectDatabase(first.reads, config).catch(() => undefined)
  if (!found?.ring) return first
  await first.close()
  return createGateway(config, found.ring.keys)
}

async function command(args: string[], { env, out }: Terminal): Promise<number> {
  const flags = readFlags(args, { json: { type: 'boolean' } })
  const { config, checks } = checkConfiguration(deploymentEnvironment(env))
  if (config) {
    const gateway = await gatewayOf(config)
    try {
      const database = await checkDatabase(gateway, config.DATABASE_MIGRATION_URL)
      const works = database.every(({ check, state }) => check !== 'database' || state !== 'wrong')
      if (works) database.push(await checkProviders(gateway))
      checks.push(...database, ...(await checkOutside(gateway, works)))
    } finally {
      await gateway.close()
    }
  }
  out(flags.json ? JSON.stringify(checks, null, 2) : textOf(checks))
  return checks.some(({ state }) => state === 'wrong') ? 1 : 0
}

/** Operator command: reports what is wrong with a deployment, and how to fix it. */
export const doctor = await program(import.meta.url, USAGE, command, { alone: true })
