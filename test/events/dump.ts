import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { createGatewayDatabase, type GatewayDatabase } from '../../scripts/lib/gateway-database.ts'
import { migrate } from '../../scripts/lib/migrate.ts'
import { startPostgres } from '../../scripts/lib/postgres.ts'
import { createTestDatabase } from '../support/database.ts'

export type DumpableDatabase = GatewayDatabase & {
  /** Everything in the database as text. */
  dump(): Promise<string>
  drop(): Promise<void>
}

/**
 * A migrated database that can be dumped whole: by the pg_dump of an installed PostgreSQL, whose server it runs on, since
 * pg_dump refuses a newer server; where none is installed, by reading every row of every table on the usual test server.
 */
export async function createDumpableDatabase(): Promise<DumpableDatabase> {
  const programs = ['postgres', 'initdb', 'pg_ctl', 'pg_dump']
  const folders = [...globSync('/usr/lib/postgresql/*/bin'), ...(process.env.PATH ?? '').split(path.delimiter)]
  const bin = folders.find((folder) => programs.every((program) => existsSync(path.join(folder, program))))
  return bin ? withPgDump(bin) : withSql()
}

async function withPgDump(binDirectory: string): Promise<DumpableDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-dump-'))
  const dataDirectory = path.join(folder, 'data')
  const server = await startPostgres({ dataDirectory, binDirectory, settings: { fsync: 'off' } })
  const database = await createGatewayDatabase(server.url, 'dumped')
  await migrate({ url: database.ownerUrl, directory: 'supabase/migrations', applicationUrl: database.appUrl })
  return {
    ...database,
    dump: async () => {
      const args = ['--dbname', database.superuserUrl]
      const { stdout } = await promisify(execFile)(path.join(binDirectory, 'pg_dump'), args, { maxBuffer: 2 ** 28 })
      return stdout
    },
    drop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function withSql(): Promise<DumpableDatabase> {
  const database = await createTestDatabase()
  return { ...database, dump: () => everyRow(database.superuserUrl) }
}

async function everyRow(url: string): Promise<string> {
  const sql = postgres(url, { max: 1 })
  const tables = await sql`
    select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema)'`
  const lines: string[] = []
  for (const { name } of tables) {
    const rows = await sql.unsafe(`select t::text as row from ${name} t`)
    lines.push(`COPY ${name} FROM stdin;`, ...rows.map(({ row }) => row))
  }
  await sql.end()
  return lines.join('\n')
}

/** The forms in which a text may lie in a dump: as it is, as hexadecimal bytes, and inside of base64 at any offset. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const inBase64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return encoded.slice(offset === 0 ? 0 : 4, -2)
  })
  return [secret, bytes.toString('hex'), ...inBase64.filter((form) => form.length >= 8)]
}
