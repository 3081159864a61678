import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { migrate } from './lib/migrate.ts'
import { program, RefusedError, readFlags, type Terminal } from './lib/terminal.ts'

const USAGE = `npm run migrate [-- --json]

Applies the migrations that the database of DATABASE_MIGRATION_URL (else DATABASE_URL) does not have yet, in order. The role of
DATABASE_URL gets the grants that the gateway needs. Never touches the database of npm run dev unless its URL is given.
Exit code 1: a migration was edited or failed, or there is no database; 2: wrong usage.`

async function command(args: string[], { env, out }: Terminal): Promise<number> {
  const flags = readFlags(args, { json: { type: 'boolean' } })
  if (env === process.env && existsSync('.env')) process.loadEnvFile('.env')
  const applicationUrl = env.DATABASE_URL || undefined
  const url = env.DATABASE_MIGRATION_URL || applicationUrl
  if (!url) throw new RefusedError('Set DATABASE_MIGRATION_URL: the direct connection of the database owner')
  const directory = fileURLToPath(new URL('../supabase/migrations', import.meta.url))
  const applied = await migrate({ url, directory, applicationUrl, tls: env, log: flags.json ? () => {} : out })
  if (flags.json) out(JSON.stringify({ applied }, null, 2))
  else out(applied.length === 0 ? 'the database is up to date' : `${applied.length} migrations applied`)
  return 0
}

/** Operator command: brings a database up to date. */
export const migrateProgram = await program(import.meta.url, USAGE, command, { alone: true })
