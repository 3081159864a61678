import { createHash } from 'node:crypto'
import fc from 'fast-check'
import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let app: postgres.Sql
let owner: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  app = postgres(database.appUrl, { max: 1, prepare: false })
  owner = postgres(database.ownerUrl, { max: 1, connection: { TimeZone: 'Asia/Kathmandu', DateStyle: 'German' } })
})

afterAll(async () => {
  await Promise.all([app?.end(), owner?.end()])
  await database?.drop()
})

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** JSON as `008_event_store.sql` describes it, written from the description alone. */
function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const bytes = (text: string) => Buffer.from(text)
  const names = Object.keys(value).sort(
    (a, b) => bytes(a).length - bytes(b).length || Buffer.compare(bytes(a), bytes(b)),
  )
  return `{${names.map((name) => `${JSON.stringify(name)}: ${canonicalJson(value[name] ?? null)}`).join(', ')}}`
}

type Row = { [field: string]: string | number | null } & {
  data: Json
  metadata: Json
  previous_hash: Buffer
  hash: Buffer
}

function hashOf(row: Row): Buffer {
  const lines = [
    'lanonasis-event-v1',
    row.position,
    row.event_id,
    row.stream_type,
    row.stream_id,
    row.version,
    row.event_type,
    row.schema_version,
    row.subject ?? '-',
    row.transaction_id,
    row.recorded_at,
    canonicalJson(row.data),
    canonicalJson(row.metadata),
  ]
  return createHash('sha256').update(row.previous_hash).update(lines.join('\n')).digest()
}

const read = (where: postgres.PendingQuery<postgres.Row[]>) => app<Row[]>`
  select position::text, event_id, stream_type, stream_id, version, event_type, schema_version, subject, transaction_id::text,
    to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as recorded_at, data, metadata, previous_hash, hash
  from auth_gateway.event_store where ${where} order by stream_type, stream_id, version`

/** Text that Postgres can store: whole code points, no NUL. */
const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', ''))
const json = fc.letrec<{ value: Json; object: { [name: string]: Json } }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(text, tie('value'), { maxKeys: 6 }),
}))

describe('the hash of an event', () => {
  test('follows from the documented canonical form and the hash before, for every seeded event', async () => {
    const rows = await read(app`true`)
    expect(rows.length).toBeGreaterThan(20)
    for (const row of rows) {
      expect(row.hash.equals(hashOf(row)), `${row.stream_type} ${row.stream_id}`).toBe(true)
      expect(row.previous_hash).toEqual(Buffer.alloc(32))
    }
  })

  test('follows from it for any data and metadata, and chains', async () => {
    await fc.assert(
      fc.asyncProperty(json.object, json.object, fc.boolean(), async (data, metadata, withSubject) => {
        const id = uuidv7()
        const event = (event_type: string, more: object) => ({
          event_id: uuidv7(),
          event_type,
          schema_version: 1,
          ...(withSubject && { subject: id }),
          data: { ...data, ...more },
          metadata,
        })
        const issued = { channel: 'email', expiresAt: '2030-01-01T00:00:00Z', attempt: 1 }
        const events = [event('OtpChallengeIssued', issued), event('OtpAttemptFailed', issued)]
        const append = [{ stream_type: 'otp_challenge', stream_id: id, expected_version: 0, events }]
        await owner`select auth_gateway.append_events(${owner.json(append as never)})`
        const [first, second] = await read(app`stream_id = ${id}`)
        expect(first?.data).toEqual({ ...data, ...issued })
        expect(first?.hash).toEqual(first && hashOf(first))
        expect(second?.hash).toEqual(second && hashOf(second))
        expect(second?.previous_hash).toEqual(first?.hash)
        expect(first?.subject ?? null).toBe(withSubject ? id : null)
      }),
      { numRuns: 150 },
    )
  })

  test('is the one that the database recomputes, whatever date and time zone settings the session has', async () => {
    const rows = await app
      .begin(async (sql) => {
        await sql`set local timezone = 'Asia/Kathmandu'`
        await sql`set local datestyle = 'German'`
        return sql`select count(*)::int as wrong from auth_gateway.event_store e where auth_gateway.event_hash(e) <> e.hash`
      })
      .catch((error) => error)
    expect(rows).toMatchObject({ code: '42501' })
    const [row] = await owner`
      select count(*)::int as wrong from auth_gateway.event_store e where auth_gateway.event_hash(e) <> e.hash`
    expect(row?.wrong).toBe(0)
  })
})
