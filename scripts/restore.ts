import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { makeRoles } from './lib/application-role.ts'
import { openConnection } from './lib/gateway-database.ts'
import { migrate } from './lib/migrate.ts'
import { readMigrations } from './lib/migration-files.ts'
import { withDotEnv } from './lib/operator-environment.ts'
import { program, RefusedError, type Terminal, UsageError } from './lib/terminal.ts'

const USAGE = `npm run restore -- <file>

Restores a dump (pg_dump --format=custom --schema=auth_gateway) into an empty database, also of a new server: creates the roles that it
needs, runs pg_restore in one transaction, and migrates, which gives the role in DATABASE_URL its password and grants. Needs
DATABASE_MIGRATION_URL, the direct connection of the owner, and pg_restore in PATH. docs/operations.md has the next steps.
Exit code 1: refused, nothing was restored; 2: wrong usage.`

const directory = fileURLToPath(new URL('../supabase/migrations', import.meta.url))

async function prepare(url: string, env: NodeJS.ProcessEnv): Promise<void> {
  const sql = openConnection(url, env)
  try {
    const [row] = await sql`select to_regnamespace('auth_gateway') is not null as taken`
    if (row?.taken) throw new RefusedError('The database has a schema auth_gateway already: restore into an empty one')
    const migrations = await readMigrations(directory)
    await sql.begin((transaction) => makeRoles(transaction, migrations))
  } finally {
    await sql.end()
  }
}

async function restoreDump(file: string, url: string, env: NodeJS.ProcessEnv): Promise<void> {
  const target = new URL(url)
  const password = decodeURIComponent(target.password)
  target.password = ''
  const modes = ['--no-owner', '--no-privileges', '--exit-on-error', '--single-transaction']
  const args = [...modes, '--dbname', target.href, file]
  const options = { env: { ...env, PGPASSWORD: password }, maxBuffer: 2 ** 26 }
  await promisify(execFile)('pg_restore', args, options).catch((error) => {
    throw new RefusedError(`pg_restore: ${(error.stderr || error.message).trim()}`)
  })
}

async function command(args: string[], { env: given, out }: Terminal): Promise<number> {
  const { positionals } = parseArgs({ args, allowPositionals: true })
  const [named, ...more] = positionals
  if (!named || more.length > 0) throw new UsageError('Name one file')
  const env = withDotEnv(given)
  const { DATABASE_MIGRATION_URL: url, DATABASE_URL: applicationUrl } = env
  if (!url) throw new RefusedError('Set DATABASE_MIGRATION_URL: the direct connection of the database owner')
  const file = resolve(env.INIT_CWD ?? '', named)
  if (!existsSync(file)) throw new RefusedError(`There is no file ${named}`)
  await prepare(url, env)
  await restoreDump(file, url, env)
  await migrate({ url, directory, applicationUrl, tls: env, log: out })
  out('Restored. Next: npm run events -- verify, npm run doctor, and docs/operations.md before you serve.')
  return 0
}

/** Operator command: restores a dump into a new database. */
export const restore = await program(import.meta.url, USAGE, command)
