import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchDatabase } from './database.ts'
import { type Call, type Limit, runLoad } from './load.ts'
import type { MeasuredProcess } from './process.ts'

export type Scenario = {
  name: string
  expect: number
  next: () => Call
  /** How many requests there is input for; unlimited where left out. */
  amount?: () => number
}

export type Row = {
  name: string
  perSecond: number
  /** Requests per second as a share of what the yardstick reached in between. */
  share?: number
  p50: number
  p99: number
  /** Microseconds of CPU per request. */
  cpu?: number
  databaseCpu?: number
  statements: number
  commits: number
  residentMegabytes?: number
  peakMegabytes?: number
  unexpected: number[]
}

export const CONNECTIONS = 8
const ROUNDS = 5
/** Of a round, how much the yardstick gets. */
const YARDSTICK_SHARE = 0.25

/** @param sorted in ascending order */
export function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function median(values: number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

type Slice = {
  perSecond: number
  cpu: number
  databaseCpu: number
  statements: number
  commits: number
  times: number[]
  unexpected: number[]
}

const run = ({ url }: MeasuredProcess, { next, expect }: Scenario, limit: Limit) =>
  runLoad(url, CONNECTIONS, { next, expect, limit })

/** Runs a scenario for a while and counts what it cost. */
async function runSlice(
  process: MeasuredProcess,
  database: BenchDatabase,
  scenario: Scenario,
  limit: Limit,
): Promise<Slice> {
  const [before, workSince] = [await process.usage(), await database.countWork()]
  const { times, unexpected, seconds } = await run(process, scenario, limit)
  const [after, work] = [await process.usage(), await workSince()]
  const count = Math.max(times.length, 1)
  return {
    perSecond: count / seconds,
    cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / count,
    databaseCpu: work.cpuMicroseconds / count,
    statements: work.statements / count,
    commits: work.commits / count,
    times,
    unexpected,
  }
}

export type Bench = {
  /** Undefined when there is no input for it. */
  measure(scenario: Scenario): Promise<Row | undefined>
  /** The yardstick alone, over all rounds so far. */
  yardstick(): Promise<Row>
  push(scenarios: Scenario[], total: number): Promise<void>
}

async function toRow(name: string, process: MeasuredProcess, slices: Slice[]): Promise<Row> {
  const of = (pick: (slice: Slice) => number) => median(slices.map(pick))
  const times = slices.flatMap((slice) => slice.times).sort((a, b) => a - b)
  const { residentBytes, peakBytes } = await process.usage()
  return {
    name,
    perSecond: of((slice) => slice.perSecond),
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    cpu: of((slice) => slice.cpu),
    databaseCpu: of((slice) => slice.databaseCpu),
    statements: of((slice) => slice.statements),
    commits: of((slice) => slice.commits),
    residentMegabytes: residentBytes / 1_048_576,
    peakMegabytes: peakBytes / 1_048_576,
    unexpected: slices.flatMap((slice) => slice.unexpected),
  }
}

/**
 * Measures scenarios on a gateway in several rounds, with the yardstick in between, so that a machine that is busy with something
 * else disturbs both alike; the numbers are medians of the rounds.
 * @param seconds for each scenario
 */
export async function createBench(
  database: BenchDatabase,
  { gateway, bare }: { gateway: MeasuredProcess; bare: MeasuredProcess },
  yardstick: Scenario,
  seconds: number,
): Promise<Bench> {
  const roundSeconds = seconds / ROUNDS
  const bareLimit = { seconds: roundSeconds * YARDSTICK_SHARE }
  const allBare: Slice[] = []
  await run(bare, yardstick, { amount: 20_000 })

  return {
    async measure(scenario) {
      const amount = scenario.amount?.()
      if (amount === 0) return undefined
      const limit: Limit =
        amount === undefined
          ? { seconds: roundSeconds * (1 - YARDSTICK_SHARE) }
          : { amount: Math.floor(amount / ROUNDS) }
      if (amount === undefined) await run(gateway, scenario, { seconds: 0.5 })
      const slices: Slice[] = []
      const bareSlices: Slice[] = []
      for (let round = 0; round < ROUNDS; round++) {
        bareSlices.push(await runSlice(bare, database, yardstick, bareLimit))
        slices.push(await runSlice(gateway, database, scenario, limit))
        await sleep(50)
      }
      allBare.push(...bareSlices)
      const share = median(slices.map((slice, round) => slice.perSecond / (bareSlices[round]?.perSecond ?? 0)))
      return { ...(await toRow(scenario.name, gateway, slices)), share }
    },

    yardstick: () => toRow(yardstick.name, bare, allBare),

    /** Sends many requests of several kinds, for nothing but their number. */
    async push(scenarios, total) {
      for (const scenario of scenarios) await run(gateway, scenario, { amount: Math.ceil(total / scenarios.length) })
    },
  }
}
