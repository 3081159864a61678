import { globSync, readFileSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NEEDED_MIGRATION } from '../../shared/start.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let sql: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  sql = postgres(database.ownerUrl, { max: 1, prepare: false, onnotice: () => {} })
})

afterAll(async () => {
  await sql?.end()
  await database?.drop()
})

const read = (file: string) => readFileSync(file, 'utf8')
const words = (list: string) => list.match(/\w+/g) ?? []

/** Every stream type with its event types, in order of name, as `shared/domain/` declares them. */
const catalogue: Record<string, string[]> = Object.fromEntries(
  globSync('shared/domain/*.ts')
    .map(read)
    .flatMap((source) => {
      const [, union, stream] = /Aggregate<\w+, (\w+)> = \{\n {2}type: '(\w+)'/.exec(source) ?? []
      if (!union || !stream) return []
      const [, declared = ''] =
        new RegExp(`type ${union} =([\\s\\S]*?)\\n\\n(?:/\\*\\*|export|type|const)`).exec(source) ?? []
      return [[stream, [...declared.matchAll(/\btype: '([A-Z]\w+)'/g)].map(([, type = '']) => type).sort()]]
    }),
)
const streams = Object.keys(catalogue).sort()

/** The branches of the first `case` of a function: the values before each `then`, and what follows it. */
async function branchesOf(name: string): Promise<[string[], string][]> {
  const [row] = await sql`select prosrc from pg_proc where oid = ${`auth_gateway.${name}`}::regproc`
  const branches = String(row?.prosrc).matchAll(
    /^ {4}when\s+((?:'\w+',?\s*)+)then([\s\S]*?)(?=^ {4}when|^ {2}end case)/gm,
  )
  return [...branches].map(([, values = '', then = '']) => [words(values), then])
}

/** The projectors that the trigger calls for each stream type. */
async function projectors(): Promise<[string, string[]][]> {
  const branches = await branchesOf('project_event')
  return branches.flatMap(([types, then]) =>
    types.map((type): [string, string[]] => [
      type,
      [...then.matchAll(/perform (project_\w+)\(new\)/g)].map(([, name = '']) => name),
    ]),
  )
}

test('the domain declares every stream type of the event store', () => {
  const [, union = ''] = /type StreamType =([^\n]*(?:\n\s+\| '\w+')+)/.exec(read('shared/events/types.ts')) ?? []
  expect(words(union).sort()).toEqual(streams)
  expect(Object.entries(catalogue).filter(([, types]) => types.length === 0)).toEqual([])
})

test('every stream type has one partition, and no partition is left over', async () => {
  const rows = await sql`
    select pg_get_expr(relpartbound, oid) as bound from pg_class
    where oid in (select inhrelid from pg_inherits where inhparent = 'auth_gateway.event_store'::regclass)`
  expect(rows.flatMap(({ bound }) => [...bound.matchAll(/'(\w+)'/g)].map(([, type]) => type)).sort()).toEqual(streams)
})

test('the trigger dispatches every stream type, and each projector is called once', async () => {
  const dispatched = await projectors()
  expect(dispatched.map(([type]) => type).sort()).toEqual(streams)
  const rows = await sql`
    select proname as name from pg_proc where pronamespace = 'auth_gateway'::regnamespace and proname like 'project\\_%'
      and proname <> 'project_event' order by 1`
  expect(dispatched.flatMap(([, names]) => names).sort()).toEqual(rows.map(({ name }) => name))
})

test('every projector has a branch for every event type of its stream, and no other', async () => {
  const found: Record<string, string[]> = {}
  const declared: Record<string, string[] | undefined> = {}
  for (const [stream, names] of await projectors())
    for (const name of names) {
      found[name] = (await branchesOf(name)).flatMap(([types]) => types).sort()
      declared[name] = catalogue[stream]
    }
  expect(found).toEqual(declared)
})

test('every projector makes one read model, from the streams that the trigger gives it', async () => {
  const rows =
    await sql`select projector, stream_type, to_regclass('auth_gateway.' || name) as table from auth_gateway.read_models`
  const dispatched = (await projectors()).flatMap(([stream, names]) => names.map((name) => `${name} ${stream}`))
  expect(rows.map((row) => `${row.projector} ${row.stream_type}`).sort()).toEqual(dispatched.sort())
  expect(rows.filter((row) => row.table === null)).toEqual([])
})

test('a process needs the newest migration', () => {
  const newest = globSync('supabase/migrations/*.sql').sort().at(-1)
  expect(newest).toBe(`supabase/migrations/${NEEDED_MIGRATION.version}_${NEEDED_MIGRATION.name}.sql`)
})
