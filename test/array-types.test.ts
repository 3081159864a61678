import postgres from 'postgres'
import { expect, inject, test } from 'vitest'
import { arrayTypes } from '../shared/array-types.ts'
import { createTestDatabase } from './support/database.ts'

const { serverUrl } = inject('postgres')
const ids = Object.values(arrayTypes).map(({ to }) => to)

async function withDriver<T>(options: object, use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(serverUrl, { max: 1, prepare: false, onnotice: () => {}, ...options })
  try {
    return await use(sql)
  } finally {
    await sql.end()
  }
}
const ours = <T>(use: (sql: postgres.Sql) => Promise<T>) => withDriver({ fetch_types: false, types: arrayTypes }, use)
const usual = <T>(use: (sql: postgres.Sql) => Promise<T>) => withDriver({}, use)

test('are those of PostgreSQL', async () => {
  const rows = await usual(
    (sql) => sql`select oid::int as id from pg_type where typcategory = 'A' and oid = any (${ids}::oid[]) order by oid`,
  )
  expect(rows.map(({ id }) => id)).toEqual(ids.toSorted((a, b) => a - b))
})

test('are all that the tables and functions of the gateway have', async () => {
  const database = await createTestDatabase()
  const sql = postgres(database.superuserUrl, { max: 1 })
  const rows = await sql<{ id: number }[]>`
    with used(type) as (
      select a.atttypid from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'auth_gateway'::regnamespace and c.relkind in ('r', 'p', 'v') and a.attnum > 0
      union select unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) from pg_proc p
      where p.pronamespace = 'auth_gateway'::regnamespace)
    select distinct t.oid::int as id from used u join pg_type t on t.oid = u.type where t.typcategory = 'A'`
  await sql.end()
  await database.drop()
  expect(rows.length).toBeGreaterThan(2)
  expect(rows.map(({ id }) => id).filter((id) => !ids.includes(id))).toEqual([])
})

const LITERALS = [
  `array['a', 'NULL', '', ' ', 'b,c', '{}', 'quote " and \\ back', E'line\\nend', 'ü']::text[]`,
  `array[]::text[]`,
  `array['0195d000-0000-7000-8000-000000000001']::uuid[]`,
  `array[1, -3]::int[]`,
  `array[9007199254740993]::bigint[]`,
  `array[1, 2]::smallint[]`,
  `array[true, false]`,
  `array['\\x00ff'::bytea]`,
  `array['2026-11-01T12:00:00.123Z'::timestamptz]`,
  `array['2026-11-01'::date]`,
  `array['{"a": "b, \\"c\\""}'::jsonb, '[1]']`,
  `array['10.0.0.0/8'::cidr]`,
  `array[1.5::numeric, 2]`,
  `array[1.5::float8, 2]`,
]
test.each(LITERALS)('are read as the driver reads them: %s', async (literal) => {
  const read = (sql: postgres.Sql) => sql.unsafe(`select ${literal} as value`).then(([row]) => row?.value)
  expect(await ours(read)).toEqual(await usual(read))
})

test.each<[string, unknown[]]>([
  ['text[]', ['a', null, 'NULL', '', 'b,c', '{}', 'quote " and \\ back', 'line\nend']],
  ['text[]', []],
  ['uuid[]', ['0195d000-0000-7000-8000-000000000001']],
  ['integer[]', [1, 2]],
  ['bigint[]', ['9007199254740993']],
  ['integer[]', [1, null]],
])('of %s arrive as they were given: %j', async (type, value) => {
  const [row] = await ours((sql) => sql`select ${value as never}::${sql.unsafe(type)} as value`)
  expect(row?.value).toEqual(value)
})

test('have nulls of every type', async () => {
  const read = (type: string) => ours((sql) => sql.unsafe(`select array[null, null]::${type}[] as value`))
  for (const type of ['text', 'int', 'boolean', 'bytea', 'timestamptz', 'jsonb'])
    expect([type, (await read(type))[0]?.value]).toEqual([type, [null, null]])
})
