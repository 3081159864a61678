import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../scripts/lib/migrate.ts'
import { MigrationDriftError } from '../scripts/lib/migration-ledger.ts'
import { createEmptyDatabase, type TestDatabase } from './support/database.ts'

const GATEWAY_MIGRATIONS = fileURLToPath(new URL('../supabase/migrations', import.meta.url))

let database: TestDatabase
let directory: string
let owner: postgres.Sql

beforeEach(async () => {
  database = await createEmptyDatabase()
  directory = await mkdtemp(path.join(tmpdir(), 'migrations-'))
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
})

afterEach(async () => {
  await owner.end()
  await database.drop()
  await rm(directory, { recursive: true })
})

const file = (name: string, sql: string) => writeFile(path.join(directory, name), sql)
const run = () => migrate({ url: database.ownerUrl, directory })
const ledger = () => owner`select version, name from auth_gateway.migrations order by version`

describe('the files', () => {
  test('are applied once, in the order of their numbers', async () => {
    await file('002_second.sql', 'insert into first values (2)')
    await file('001_first.sql', 'create table first (n int)')
    expect(await run()).toEqual(['001_first.sql', '002_second.sql'])
    expect(await run()).toEqual([])
    expect(await owner`select n from first`).toEqual([{ n: 2 }])
    expect(await ledger()).toEqual([
      { version: '001', name: 'first' },
      { version: '002', name: 'second' },
    ])
  })

  test('are applied once when several processes migrate at the same time', async () => {
    await file('001_first.sql', 'create table first (n int); insert into first values (1); select pg_sleep(0.2)')
    await file('002_second.sql', 'insert into first values (2)')
    const applied = await Promise.all([run(), run(), run(), run()])
    expect(applied.flat().sort()).toEqual(['001_first.sql', '002_second.sql'])
    expect(await owner`select n from first order by n`).toEqual([{ n: 1 }, { n: 2 }])
  })

  test('that fail leave nothing behind and are named with their line', async () => {
    await file('001_first.sql', 'create table first (n int)')
    await file('002_broken.sql', 'create table second (n int);\n\ninsert into missing values (1);\n')
    await expect(run()).rejects.toThrow('002_broken.sql:3: relation "missing" does not exist')
    expect(await owner`select to_regclass('first') as first, to_regclass('second') as second`).toEqual([
      { first: 'first', second: null },
    ])
    expect(await ledger()).toEqual([{ version: '001', name: 'first' }])
    await file('002_broken.sql', 'create table second (n int)')
    expect(await run()).toEqual(['002_broken.sql'])
  })

  test('that fail leave no function of the files before them open to everyone', async () => {
    await file('001_schema.sql', await readFile(path.join(GATEWAY_MIGRATIONS, '001_schema.sql'), 'utf8'))
    await file('002_function.sql', 'create function auth_gateway.one() returns int return 1')
    await file('003_broken.sql', 'insert into missing values (1)')
    await expect(run()).rejects.toThrow('003_broken.sql:1: relation "missing" does not exist')
    expect(await owner`select has_function_privilege('anon', 'auth_gateway.one()', 'execute') as open`).toEqual([
      { open: false },
    ])
  })

  test('may use other line ends without counting as changed', async () => {
    await file('001_first.sql', 'create table first (n int);\nselect 1;\n')
    await run()
    await file('001_first.sql', 'create table first (n int);\r\nselect 1;\r\n')
    expect(await run()).toEqual([])
  })
})

describe('drift is refused and named:', () => {
  beforeEach(async () => {
    await file('001_first.sql', 'create table first (n int)')
    await file('003_third.sql', 'select 3')
    await run()
  })

  const drift = async (message: string) => {
    const error = await run().catch((reason) => reason)
    expect(error).toBeInstanceOf(MigrationDriftError)
    expect(error.message).toBe(message)
  }

  test('a file that changed after it was applied', async () => {
    await file('001_first.sql', 'create table first (n bigint)')
    await drift('001_first.sql has changed since it was applied')
  })

  test('a file that is gone', async () => {
    await rm(path.join(directory, '001_first.sql'))
    await drift('Migration 001 is applied, but there is no file for it')
  })

  test('a new file before an applied one', async () => {
    await file('002_second.sql', 'select 2')
    await drift('002_second.sql is new, but 003 is applied already: give it a later number')
  })

  test('two files with one number', async () => {
    await file('003_other.sql', 'select 4')
    await expect(run()).rejects.toThrow('003_other.sql and 003_third.sql have the same number')
  })

  test('a name without a number', async () => {
    await file('fourth.sql', 'select 4')
    await expect(run()).rejects.toThrow('fourth.sql: the name of a migration must be NNN_name.sql')
  })
})

describe('the ledger of the Supabase CLI', () => {
  const theirs = () =>
    owner`select version, name, statements from supabase_migrations.schema_migrations order by version`

  test('is not made where it is missing', async () => {
    await file('001_first.sql', 'select 1')
    await run()
    expect(await owner`select to_regnamespace('supabase_migrations') as schema`).toEqual([{ schema: null }])
  })

  test('is kept in step in both directions', async () => {
    await file('001_first.sql', 'create table first (n int)')
    await run()
    await owner.unsafe(`
      create schema supabase_migrations;
      create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
      create table second (n int);
      insert into supabase_migrations.schema_migrations values ('002', '{create table second (n int)}', 'second')`)
    await file('002_second.sql', 'create table second (n int)')
    await file('003_third.sql', 'select 3')
    expect(await run()).toEqual(['003_third.sql'])
    expect(await theirs()).toEqual([
      { version: '001', name: 'first', statements: ['create table first (n int)'] },
      { version: '002', name: 'second', statements: ['create table second (n int)'] },
      { version: '003', name: 'third', statements: ['select 3'] },
    ])
    expect((await ledger()).map((row) => row.version)).toEqual(['001', '002', '003'])
  })
})

describe('the login role of DATABASE_URL', () => {
  const role = `login_${process.pid}`
  const applicationUrl = (password: string) => {
    const url = new URL(database.ownerUrl)
    url.username = role
    url.password = password
    return url.href
  }
  const migrateWith = (password: string, log?: (line: string) => void) =>
    migrate({ url: database.ownerUrl, directory: GATEWAY_MIGRATIONS, applicationUrl: applicationUrl(password), log })
  const asRole = async <T>(password: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    const sql = postgres(applicationUrl(password), { max: 1, onnotice: () => {} })
    return work(sql).finally(() => sql.end())
  }

  afterEach(async () => {
    await owner.unsafe(`drop role ${role}`)
  })

  test('is created with its password, time limits and group', async () => {
    await migrateWith('first p@ss/word')
    const [row] = await asRole(
      'first p@ss/word',
      (sql) => sql`
      select current_setting('statement_timeout') as statement, pg_has_role(${role}, 'auth_gateway_app', 'member') as member,
        current_setting('idle_in_transaction_session_timeout') as idle`,
    )
    expect(row).toEqual({ statement: '10s', idle: '15s', member: true })
  })

  test('gets a new password when the URL has one, and keeps limits that an operator set', async () => {
    await migrateWith('old')
    await owner.unsafe(`alter role ${role} set statement_timeout = '3s'`)
    const lines: string[] = []
    await migrateWith('new', (line) => lines.push(line))
    expect(lines).toEqual([`set the password of ${role}`])
    const [row] = await asRole('new', (sql) => sql`select current_setting('statement_timeout') as statement`)
    expect(row).toEqual({ statement: '3s' })
    await expect(asRole('old', (sql) => sql`select 1`)).rejects.toMatchObject({ code: '28P01' })
  })

  test('is left alone when everything is as it should be', async () => {
    await migrateWith('same')
    const lines: string[] = []
    await migrateWith('same', (line) => lines.push(line))
    expect(lines).toEqual([])
  })
})

test('a database that is newer than the checkout is left unchanged and reported', async () => {
  await file('001_first.sql', 'create table first (n int)')
  await file('002_second.sql', 'create table second (n int)')
  await run()
  await rm(path.join(directory, '002_second.sql'))
  const lines: string[] = []
  const applied = await migrate({ url: database.ownerUrl, directory, log: (line) => lines.push(line) })
  expect(applied).toEqual([])
  expect(lines[0]).toBe(
    'the database has 1 migrations that are newer than this checkout (from 002): fine for a roll-back, nothing to apply',
  )
})
