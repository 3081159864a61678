import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import type { BenchDatabase } from './database.ts'
import type { MeasuredProcess } from './process.ts'
import type { Scenario } from './scenarios.ts'

export type Row = {
  name: string
  perSecond: number
  p50: number
  p99: number
  cpuMilliseconds?: number
  statements: number
  writes: number
  residentMegabytes?: number
  unexpected: number
}

export const CONNECTIONS = 8

/** @param sorted milliseconds in ascending order */
export function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

async function load(url: string, scenario: Scenario, limit: { duration: number } | { amount: number }) {
  const times: number[] = []
  let unexpected = 0
  const connections = 'amount' in limit ? Math.min(CONNECTIONS, limit.amount) : CONNECTIONS
  const startedAt = performance.now()
  const instance = autocannon({ url, connections, requests: [scenario.request], ...limit })
  instance.on('response', (_client, status, _bytes, milliseconds) => {
    times.push(milliseconds)
    if (status !== scenario.expect) unexpected++
  })
  const { errors, timeouts } = await instance
  const elapsed = (performance.now() - startedAt) / 1000
  return { times: times.sort((a, b) => a - b), unexpected: unexpected + errors + timeouts, elapsed }
}

/** Warms the scenario up for a second and tells how many requests fill the time; a run by number leaves none half done. */
async function requestsFor(url: string, scenario: Scenario, seconds: number): Promise<number> {
  if (scenario.amount) return scenario.amount()
  const { times, elapsed } = await load(url, scenario, { duration: 1 })
  await sleep(500)
  return Math.max(CONNECTIONS, Math.round((times.length / elapsed) * seconds))
}

/** Runs one scenario with a fixed number of connections and counts what it cost, the warm-up left out. */
export async function measure(
  target: MeasuredProcess,
  database: BenchDatabase,
  scenario: Scenario,
  seconds: number,
): Promise<Row> {
  const amount = await requestsFor(target.url, scenario, seconds)
  const [before, workBefore] = [await target.usage(), await database.work()]
  const { times, unexpected, elapsed } = await load(target.url, scenario, { amount })
  const [after, workAfter] = [await target.usage(), await database.work()]
  const count = times.length
  return {
    name: scenario.name,
    perSecond: count / elapsed,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    cpuMilliseconds: (after.cpuMilliseconds - before.cpuMilliseconds) / count,
    statements: (workAfter.statements - workBefore.statements) / count,
    writes: (workAfter.writes - workBefore.writes) / count,
    residentMegabytes: after.residentBytes / 1_048_576,
    unexpected,
  }
}
