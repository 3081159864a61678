import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../measure.ts'
import { PEERS } from './adapters/index.ts'
import type { Flow, Operation, OperationName } from './types.ts'
import { User } from './user.ts'

// The load generator, a process of its own: virtual users that repeat a flow, each as soon as its last one has ended.

export type LoadTask = {
  peer: string
  operation: OperationName
  url: string
  /** What the setup of the server returned. */
  context: unknown
  users: number
  /** Milliseconds to warm up and to measure, or how many flows to run. */
  amount: { warmMs: number; measureMs: number } | { flows: number }
}

export type LoadReport = {
  flows: number
  seconds: number
  /** Milliseconds. */
  p50: number
  p99: number
  errors: number
  lastError: string
  /** CPU seconds of the load generator. */
  cpuSeconds: number
}

/** `start` and `stop` are around what is measured; the load generator waits for an answer to both. */
export type LoadMessage = { phase: 'start' | 'stop' } | { report: LoadReport }

const MOST_ERRORS = 50
/** Milliseconds for what a server does after its answer. */
const AFTER_ANSWER_MS = 300
/** How many flows are not counted. */
const FIRST_FLOWS = 5

async function announce(phase: 'start' | 'stop'): Promise<void> {
  process.send?.({ phase } satisfies LoadMessage)
  await once(process, 'message')
}

async function runFlows(flow: Flow, count: number): Promise<LoadReport> {
  for (let done = 0; done < FIRST_FLOWS; done++) await flow()
  await sleep(AFTER_ANSWER_MS)
  await announce('start')
  for (let done = 0; done < count; done++) await flow()
  await sleep(AFTER_ANSWER_MS)
  await announce('stop')
  return { flows: count, seconds: 0, p50: 0, p99: 0, errors: 0, lastError: '', cpuSeconds: 0 }
}

/** Runs virtual users for a while. One whose flow has failed begins again. */
async function runFor(
  operation: Operation,
  prepared: { user: User; flow: Flow }[],
  { warmMs, measureMs }: { warmMs: number; measureMs: number },
): Promise<LoadReport> {
  const times: number[] = []
  let [isMeasuring, isStopped, errors, lastError] = [false, false, 0, '']
  const repeat = async (user: User, first: Flow) => {
    let flow = first
    while (!isStopped) {
      const startedAt = performance.now()
      try {
        await flow()
        if (isMeasuring) times.push(performance.now() - startedAt)
      } catch (error) {
        errors++
        lastError = (error as Error).message
        if (errors > MOST_ERRORS) isStopped = true
        else flow = await Promise.resolve(operation(user)).catch(() => flow)
      }
    }
  }
  const running = Promise.all(prepared.map(({ user, flow }) => repeat(user, flow)))
  await sleep(warmMs)
  await announce('start')
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  isMeasuring = true
  await sleep(measureMs)
  isMeasuring = false
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  await announce('stop')
  isStopped = true
  await Promise.race([running, sleep(2000)])
  times.sort((a, b) => a - b)
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
  return { flows: times.length, seconds, p50, p99, errors, lastError, cpuSeconds: (user + system) / 1_000_000 }
}

async function run({ peer, operation: name, url, context, users, amount }: LoadTask): Promise<LoadReport> {
  const operation = PEERS.get(peer)?.operations(context)[name]
  if (!operation) throw new Error(`${peer} has no operation ${name}`)
  const prepared: { user: User; flow: Flow }[] = []
  for (let index = 0; index < users; index++) {
    const user = new User(url, index)
    prepared.push({ user, flow: await operation(user) })
  }
  if ('measureMs' in amount) return runFor(operation, prepared, amount)
  const [first] = prepared
  if (!first) throw new Error('flows need a user')
  return runFlows(first.flow, amount.flows)
}

const [task] = await once(process, 'message')
const report = await run(task as LoadTask)
process.send?.({ report } satisfies LoadMessage, () => process.exit(0))
