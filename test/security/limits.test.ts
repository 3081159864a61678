import { readFileSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withGenerated } from '../../scripts/lib/generated-part.ts'
import { limitsTable } from '../../scripts/limits-table.ts'
import { allLimits, readLimits, rules } from '../../shared/limits.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { ageLimits } from '../support/time.ts'

describe('the configuration of the limits', () => {
  test('every default is one that LIMITS would take', () => {
    const all = Object.entries(rules).map(([name, { fallback }]) => `${name}=${fallback}`)
    expect(readLimits(all.join(','))).toEqual(allLimits({}))
  })

  test('changes what it names and nothing else', () => {
    const changed = readLimits('device=7/2m+9/1h, otp-try-ip=5/30s')
    if (typeof changed === 'string') throw new Error(changed)
    const limits = allLimits(changed)
    expect(limits.device).toEqual([
      [
        { max: 7, seconds: 120 },
        { max: 9, seconds: 3600 },
      ],
    ])
    expect(limits['otp-try-ip']).toEqual([[{ max: 5, seconds: 30 }]])
    expect({ ...limits, device: undefined, 'otp-try-ip': undefined }).toEqual({
      ...allLimits({}),
      device: undefined,
      'otp-try-ip': undefined,
    })
  })

  test.each([
    ['no-such-limit=1/1h', 'pair 1 names no limit of docs/limits.md'],
    ['device=1/1h,toString=1/1h', 'pair 2 names no limit of docs/limits.md'],
    ['device=0/1h', 'device must be written like 5/1h 10/1d'],
    ['device=1/1w', 'device must be written like 5/1h 10/1d'],
    ['device=1/91d', 'device must be written like 5/1h 10/1d'],
    ['device', 'device must be written like 5/1h 10/1d'],
    ['device=1/1h | 2/1h', 'device is the same for every effort'],
    ['otp-send=5/1h | 6/1h', 'otp-send has 3 efforts'],
    ['otp-send=5/1h | 4/1h | 6/1h', 'otp-send must not give less for more effort'],
    ['otp-send=5/1h | 6/1h | 6/2h', 'otp-send must count the same windows for every effort'],
    ['otp-send=101/1h', 'otp-send must be 100 or less'],
  ])('refuses %s', (text, error) => {
    expect(readLimits(text)).toBe(error)
  })

  test('is what docs/limits.md says', () => {
    const page = readFileSync('docs/limits.md', 'utf8')
    expect(withGenerated(page, 'limits', limitsTable())).toBe(page)
  })
})

describe('counting', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  beforeAll(async () => {
    database = await createTestDatabase()
    sql = postgres(database.superuserUrl, { max: 20, onnotice: () => {} })
  })
  afterAll(async () => {
    await sql.end()
    await database.drop()
  })

  type AnySql = postgres.ISql<Record<never, never>>
  const hourly = (bucket: string, exact: boolean) => [{ bucket, seconds: 3600, max: 3, ...(exact && { exact }) }]
  async function take(limits: object[], on: AnySql = sql): Promise<number> {
    const [row] = await on`select auth_gateway.take_rate_limits(${sql.json(limits as never)}) as wait`
    return row?.wait
  }
  async function wait(limits: object[], on: AnySql = sql): Promise<number> {
    const [row] = await on`select auth_gateway.rate_limit_wait(${sql.json(limits as never)}) as wait`
    return row?.wait
  }

  // In a transaction the clock of the database does not move.
  test('an exact limit lets one pass when the oldest hit leaves its window, and says when that is', () =>
    sql.begin(async (on) => {
      const limits = hourly('exact', true)
      for (let n = 0; n < 3; n++) {
        expect(await take(limits, on)).toBe(0)
        await ageLimits(on, 1000)
      }
      expect([await wait(limits, on), await take(limits, on)]).toEqual([600, 600])
      await ageLimits(on, 600)
      expect([await wait(limits, on), await take(limits, on), await take(limits, on)]).toEqual([0, 0, 1000])
    }))

  test('another one begins a window with its first hit', () =>
    sql.begin(async (on) => {
      const limits = hourly('fixed', false)
      for (let n = 0; n < 3; n++) {
        expect(await take(limits, on)).toBe(0)
        await ageLimits(on, 1000)
      }
      expect([await wait(limits, on), await take(limits, on)]).toEqual([600, 600])
      await ageLimits(on, 600)
      for (let n = 0; n < 3; n++) expect(await take(limits, on)).toBe(0)
      expect(await take(limits, on)).toBe(3600)
    }))

  test('what one full limit refuses counts in none', () =>
    sql.begin(async (on) => {
      const [full, open] = [hourly('full', true), hourly('open', false)]
      for (let n = 0; n < 3; n++) await take(full, on)
      for (let n = 0; n < 5; n++) expect(await take([...open, ...full], on)).toBe(3600)
      for (let n = 0; n < 3; n++) expect(await take(open, on)).toBe(0)
    }))

  test('a limit is emptied where it is to be reset', async () => {
    const limits = hourly('emptied', true)
    for (let n = 0; n < 3; n++) await take(limits)
    expect(await take(limits.map((limit) => ({ ...limit, reset: true })))).toBe(0)
    expect([await wait(limits), await take(limits)]).toEqual([0, 0])
  })

  test.each([true, false])('20 at once at a limit of 3, exact %s: three pass', async (exact) => {
    const limits = hourly(`race ${exact}`, exact)
    const waits = await Promise.all(Array.from({ length: 20 }, () => take(limits)))
    expect(waits.filter((one) => one === 0)).toHaveLength(3)
  })
})
