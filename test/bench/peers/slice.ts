import { drive } from './drive.ts'
import type { LoadReport } from './load.ts'
import type { Target } from './target.ts'
import { type OperationName, REFERENCE } from './types.ts'
import { cpuSeconds, databaseCpuSeconds, machineCpuSeconds, memoryMegabytes } from './usage.ts'

export type Settings = {
  measureMs: number
  warmMs: number
  /** Milliseconds of load on a fresh process before its first slice. */
  prewarmMs: number
  repetitions: number
  users: number
}

export type Slice = {
  operation: OperationName
  peer: string
  flowsPerSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** CPU milliseconds per flow. */
  serverCpu: number
  databaseCpu: number
  peakMegabytes: number
  /** Cores that other programs kept busy. */
  otherCpu: number
  errors: string[]
}

/** A slice next to which other programs used more of the machine is dropped. */
export const MOST_OTHER_CPU = 0.3
const ATTEMPTS = 4

export const isQuiet = ({ otherCpu }: Slice) => otherCpu <= MOST_OTHER_CPU

/** What runs of an operation: the operation itself, or the reference of bare requests next to it. */
type Run = { target: Target; operation: OperationName }

type Snapshot = { at: number; server: number; database: number; machine: number }

function errorsOf({ flows, errors, lastError }: LoadReport): string[] {
  if (flows === 0 && errors === 0) return ['no flow ended within the slice']
  return errors > 0 ? [`${errors} errors, the last one: ${lastError}`] : []
}

async function measureOnce(
  { target, operation }: Run,
  row: OperationName,
  postmaster: number,
  { users, warmMs, measureMs }: Settings,
): Promise<Slice> {
  const snapshots: Snapshot[] = []
  const { peer, url, context } = target
  const task = { peer: peer.name, operation, url, context, users, amount: { warmMs, measureMs } }
  const report = await drive(task, () => {
    const [server, database] = [cpuSeconds(target.pid()), databaseCpuSeconds(postmaster)]
    snapshots.push({ at: performance.now(), server, database, machine: machineCpuSeconds() })
  })
  const [before, after] = snapshots
  if (!before || !after) throw new Error('the load generator measured nothing')
  const seconds = (after.at - before.at) / 1000
  const server = after.server - before.server
  const database = after.database - before.database
  const other = after.machine - before.machine - server - database - report.cpuSeconds
  const flows = Math.max(report.flows, 1)
  return {
    operation: row,
    peer: peer.name,
    flowsPerSecond: report.flows / report.seconds,
    p50: report.p50,
    p99: report.p99,
    serverCpu: (server / flows) * 1000,
    databaseCpu: (database / flows) * 1000,
    peakMegabytes: memoryMegabytes(target.pid(), 'VmHWM'),
    otherCpu: Math.max(0, other / seconds),
    errors: errorsOf(report),
  }
}

/** Repeats a slice until other programs leave it alone; after some attempts, returns the one they disturbed least. */
async function measureQuietly(run: Run, row: OperationName, postmaster: number, settings: Settings): Promise<Slice> {
  let best = await measureOnce(run, row, postmaster, settings)
  for (let attempt = 1; attempt < ATTEMPTS && !isQuiet(best); attempt++) {
    const again = await measureOnce(run, row, postmaster, settings)
    if (again.otherCpu < best.otherCpu) best = again
  }
  return best
}

/**
 * Measures an operation on every server that has it. Each gets a fresh process first, warmed up a little; then their slices take
 * turns, forwards and backwards, so that what else happens on the machine disturbs all alike.
 */
export async function measureOperation(
  operation: OperationName,
  targets: Target[],
  postmaster: number,
  settings: Settings,
): Promise<Slice[]> {
  const runs = targets.flatMap((target): Run[] => {
    if (target.operations[operation]) return [{ target, operation }]
    return target.operations[REFERENCE] ? [{ target, operation: REFERENCE }] : []
  })
  const failures = new Map<Run, Slice>()
  const attempt = (run: Run, work: () => Promise<Slice>): Promise<Slice> =>
    work().catch((error: Error) => {
      const nothing = { flowsPerSecond: 0, p50: 0, p99: 0, serverCpu: 0, databaseCpu: 0, peakMegabytes: 0, otherCpu: 0 }
      const failure = { operation, peer: run.target.peer.name, ...nothing, errors: [error.message] }
      failures.set(run, failure)
      return failure
    })
  for (const run of runs) {
    await run.target.restart()
    const prewarming = { ...settings, warmMs: 0, measureMs: settings.prewarmMs, users: Math.max(settings.users, 16) }
    await attempt(run, () => measureOnce(run, operation, postmaster, prewarming))
  }
  const slices: Slice[] = [...failures.values()]
  const order = runs.filter((run) => !failures.has(run))
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    for (const run of order) slices.push(await attempt(run, () => measureQuietly(run, operation, postmaster, settings)))
    order.reverse()
  }
  for (const { target } of runs) await target.stop()
  return slices
}
