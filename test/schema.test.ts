import { globSync, readFileSync } from 'node:fs'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { createTestDatabase } from './support/database.ts'
import { schemaOf } from './support/schema.ts'

// Other versions of PostgreSQL print some definitions in another form.
test.skipIf(process.env.POSTGRES_BIN)(
  'test/schema.sql is what the migrations make: `npm run schema` writes it',
  async () => {
    const database = await createTestDatabase()
    const schema = await schemaOf(database.ownerUrl).finally(() => database.drop())
    await expect(schema).toMatchFileSnapshot('schema.sql')
  },
)

test('every function has a caller, and every table a reader other than its projector', async () => {
  const database = await createTestDatabase()
  const sql = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  const functions = await sql<{ name: string; source: string }[]>`
    select proname as name, case when prosrc = '' then pg_get_functiondef(oid) else prosrc end as source
    from pg_proc where pronamespace = 'auth_gateway'::regnamespace`
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'auth_gateway'::regnamespace and relkind in ('r', 'p', 'v') and not relispartition`
  const others = await sql<{ source: string }[]>`
    select pg_get_viewdef(oid) as source from pg_class where relnamespace = 'auth_gateway'::regnamespace and relkind = 'v'
    union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select projector || '(' from auth_gateway.read_models`
  await sql.end()
  await database.drop()

  const statements = globSync('{shared,scripts}/**/*.ts').map((file) =>
    [...readFileSync(file, 'utf8').matchAll(/auth_gateway\.\w+\(?/g)].join(' '),
  )
  const [access = ''] = globSync('supabase/migrations/*_access.sql').map((file) => readFileSync(file, 'utf8'))
  const named = (name: string, sources: string[], after: string) =>
    sources.some((source) => new RegExp(`\\b${name}${after}`).test(source))
  const elsewhere = (name: string) => functions.filter((one) => one.name !== name).map(({ source }) => source)
  const rest = [...others.map(({ source }) => source), ...statements, access]
  expect(
    functions.map(({ name }) => name).filter((name) => !named(name, [...elsewhere(name), ...rest], '\\(')),
  ).toEqual([])
  const readers = functions
    .filter(({ name }) => !/^(project_|delete_archived_month)/.test(name))
    .map(({ source }) => source)
  expect(tables.map(({ name }) => name).filter((name) => !named(name, [...readers, ...rest], '\\b'))).toEqual([])
})
