import { type AddressInfo, connect, createServer } from 'node:net'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { atOnce } from '../../shared/at-once.ts'
import { testAtOnce } from '../../shared/queries/opening.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let sql: postgres.Sql
let sent = 0
let refusesBinds = false

/** Whether a piece has messages of all these types (PostgreSQL, Frontend/Backend Protocol). */
function hasMessages(piece: Buffer, types: string): boolean {
  let found = ''
  for (let at = 0; at + 5 <= piece.length; at += 1 + piece.readUInt32BE(at + 1))
    found += String.fromCharCode(piece[at] ?? 0)
  return [...types].every((type) => found.includes(type))
}

/** Passes everything on and counts what came from the client in one piece; may break at a statement with its parameters. */
const wire = createServer((client) => {
  const { hostname, port } = new URL(database.appUrl)
  const server = connect(Number(port), hostname)
  client
    .on('data', (piece) => {
      sent++
      if (refusesBinds && hasMessages(piece, 'PB')) client.destroy()
    })
    .on('error', () => server.destroy())
  client.pipe(server).on('error', () => client.destroy())
  server.pipe(client)
})

beforeAll(async () => {
  database = await createTestDatabase()
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
  const url = new URL(database.appUrl)
  url.port = String((wire.address() as AddressInfo).port)
  const options = { max: 1, prepare: false, fetch_types: false, max_pipeline: 0 }
  sql = postgres(url.href, options)
  await sql`select 1`
})

afterAll(async () => {
  await sql.end()
  wire.close()
  await database.drop()
})

async function roundTrips(work: () => Promise<unknown>): Promise<number> {
  const before = sent
  await work()
  return sent - before
}

const limits = [{ bucket: 'at once', seconds: 60, max: 1 }]
const key = Buffer.from('00ff', 'hex')

test('sends a statement with text, null, JSON, bytes and a date in one round trip, where the driver takes two', async () => {
  const expiresAt = new Date(Date.now() + 60_000)
  const limit = () => sql`select auth_gateway.take_rate_limits(${sql.json(limits)}) as wait`
  const claim = () => sql`select auth_gateway.claim_once(${'scope'}, ${key}, ${expiresAt}) as first`
  const session = () =>
    sql`select auth_gateway.find_session(${'0195d000-0000-7000-8000-000000000001'}, ${null}) as found`
  expect(await roundTrips(() => limit())).toBe(2)
  for (const statement of [limit, claim, session]) expect(await roundTrips(() => atOnce(statement()))).toBe(1)
  const [row] = await sql<{ key: Buffer }[]>`select key from auth_gateway.replay_guard where scope = 'scope'`
  expect(row?.key).toEqual(key)
  const [counted] = await atOnce(limit())
  expect(counted?.wait).toBeGreaterThan(0)
})

test('leaves the connection usable after a statement that fails', async () => {
  await expect(atOnce(sql`select auth_gateway.find_session(${'no uuid'}, ${null})`)).rejects.toMatchObject({
    code: '22P02',
  })
  expect(await sql`select 1 as one`).toMatchObject([{ one: 1 }])
})

test('is used with this version of the driver', async () => {
  expect(await testAtOnce(sql)).toBe(true)
  expect(await roundTrips(() => testAtOnce(sql))).toBe(1)
})

test('is not used, and statements still work, where the test at the start fails', async () => {
  const limit = () => atOnce(sql`select auth_gateway.take_rate_limits(${sql.json(limits)}) as wait`)
  refusesBinds = true
  expect(await testAtOnce(sql)).toBe(false)
  await sql`select 1`.simple() // connects again
  expect(await roundTrips(limit)).toBe(2)
  refusesBinds = false
  expect(await testAtOnce(sql)).toBe(true)
  expect(await roundTrips(limit)).toBe(1)
})
