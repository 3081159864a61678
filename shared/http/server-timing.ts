import { AsyncLocalStorage } from 'node:async_hooks'
import { follow, requests, statements } from '../telemetry.ts'

type Timing = { statements: number; milliseconds: number }
const current = new AsyncLocalStorage<unknown>()
let watching = false

/** Measures each request's database time from the next request on. */
export function watchTimings(): void {
  if (watching) return
  watching = true
  requests.start.bindStore(current, (): Timing => ({ statements: 0, milliseconds: 0 }))
  const begun = new WeakMap<object, { timing: Timing; startedAt: number }>()
  follow(statements, {
    start(seen) {
      const timing = current.getStore() as Timing | undefined
      if (timing) begun.set(seen, { timing, startedAt: performance.now() })
    },
    end(seen) {
      const one = begun.get(seen)
      if (!one) return
      one.timing.statements += 1
      one.timing.milliseconds += performance.now() - one.startedAt
    },
  })
}

/** `Server-Timing` of the current request, `milliseconds` after its start (W3C Server Timing section 2). */
export function serverTiming(milliseconds: number): string {
  const total = `total;dur=${milliseconds.toFixed(1)}`
  const timing = current.getStore() as Timing | undefined
  if (!timing) return total
  return `${total}, db;dur=${timing.milliseconds.toFixed(1)};desc="${timing.statements} statements"`
}
