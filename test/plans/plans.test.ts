import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../shared/gateway.ts'
import { createTraffic, testGateway } from '../projections/traffic.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callFunctions, executedDuring, logPlans, type PlanNode, scannedTables } from './executed.ts'
import { growingTables, growTo } from './sizes.ts'
import { statementsOfQueries } from './statements.ts'

/** Exported by `shared/queries` without a statement of their own. */
const WITHOUT_STATEMENT = [
  'api-clients.ts isStranger',
  'audit-tree.ts splitHashes',
  'audit-tree.ts growTree',
  'factors.ts recoveryCodesLeft',
  'health.ts withinTwoSeconds',
  'otp-challenges.ts addressOfChallenge',
  'passkeys.ts toPasskey',
  'past.ts readPast',
  'person.ts toPerson',
  'person.ts toSession',
  'rate-limits.ts limitsParameter',
  'sessions.ts toSignedIn',
]

/** Statements that read a whole table on purpose, by what they contain. */
const READ_WHOLE = [
  // Rotation of signing keys, and the operator's list of applications.
  /from auth_gateway\.api_clients c where c\.status <> 'deleted' order by lower/,
  // The status of the installation for its operators: exact counts.
  /'identities', \(select count\(\*\) from auth_gateway\.identities\)/,
  // The limits that are in use: rows live as long as a limit counts.
  /from auth_gateway\.rate_limits where expires_at > now\(\) group by 1/,
]

/** Looks up several keys at once: of a thousand rows, which are 25 pages, a scan reads fewer pages than ten look-ups. */
const SEVERAL = /\bany \(|\bunnest\(|\bwith recursive\b|\bmembers m\b/

let database: TestDatabase
let gateway: Gateway
let sql: postgres.Sql
let tables: string[]

beforeAll(async () => {
  database = await createTestDatabase()
  sql = postgres(database.superuserUrl, { max: 1, prepare: false, onnotice: () => {} })
  await logPlans(sql, database)
  gateway = await testGateway(database)
  await createTraffic(gateway).sweep(8)
  tables = await growingTables(sql)
}, 60_000)
afterAll(async () => {
  await gateway?.close()
  await sql?.end()
  await database?.drop()
})

const faultsOf = (rows: number, text: string, plan: PlanNode): string[] => {
  const scanned = [...new Set(scannedTables(plan))].filter((table) => tables.includes(table))
  const allowed = READ_WHOLE.some((one) => one.test(text)) || (rows === 1000 && SEVERAL.test(text))
  return scanned.length === 0 || allowed ? [] : [`${scanned.join(', ')}: ${text}`]
}

async function planOf(text: string): Promise<PlanNode> {
  const [row] = await sql.unsafe(`explain (generic_plan, format json) ${text}`).simple()
  return row?.['QUERY PLAN'][0].Plan
}

/** A part of statements that are listed as a whole where it is used. */
const isFragment = (text: string) =>
  !/^\(?(select|with|insert|update|delete)\b/.test(text) || / as \w+$|^\(.*\)$|from \(\$\d\)/s.test(text)

test('each query shows its statements', async () => {
  const { unseen } = await statementsOfQueries()
  expect(unseen).toEqual(WITHOUT_STATEMENT)
})

describe.each([1000, 10_000, 100_000, 1_000_000])('with %i rows in every table that grows', (rows) => {
  beforeAll(() => growTo(sql, tables, rows))

  test('no statement of a query reads one whole', async () => {
    const { texts } = await statementsOfQueries()
    const faults: string[] = []
    for (const text of texts.filter((one) => !isFragment(one))) faults.push(...faultsOf(rows, text, await planOf(text)))
    expect(faults).toEqual([])
  }, 60_000)

  // They see the rows that they are given: of a thousand, the planner may choose to scan, as for several keys.
  test.runIf(rows > 1000)(
    'no statement of a function of the database does',
    async () => {
      const executed = await executedDuring(sql, database, async () => {
        await createTraffic(gateway).sweep(4)
        const own = postgres(database.superuserUrl, { max: 1, prepare: false, onnotice: () => {} })
        await callFunctions(own)
        await own.end()
      })
      expect(executed.length).toBeGreaterThan(1000)
      expect([...new Set(executed.flatMap(({ text, plan }) => faultsOf(rows, text, plan)))]).toEqual([])
    },
    60_000,
  )
})
