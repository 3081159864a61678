import { killLeftOver } from './left-over.ts'
import { requireFreePort, waitForPort } from './ports.ts'
import { exitText, type ProcessOptions, type RunningProcess, startProcess } from './process.ts'

const READY_MILLISECONDS = 120_000
/** Pause before a restart: doubled each time up to `most`, reset once the service has run for `settled`. */
const RESTART_MILLISECONDS = { first: 250, most: 10_000, settled: 30_000 }

interface ServiceOptions extends Omit<ProcessOptions, 'output'> {
  name: string
  port: number
  /** The environment variable that chooses the port. */
  portVariable: string
  log: (line: string) => void
}

export type Service = ReturnType<typeof createService>

/** Creates a program of the development environment that listens on a port. It is restarted if it ends unexpectedly after it was ready. */
export function createService({ name, port, portVariable, log, ...command }: ServiceOptions) {
  let running: RunningProcess | undefined
  let restarting: Promise<void> | undefined
  let again = false
  let stopped = false
  let pause = RESTART_MILLISECONDS.first

  /** Starts it and waits until its port answers; false when it ended before that. */
  async function start(): Promise<boolean> {
    if (command.pidFile) await killLeftOver(command.pidFile, command.args.at(-1) ?? command.command)
    await requireFreePort(port, name, portVariable)
    const current = startProcess({ ...command, output: log })
    running = current
    const startedAt = performance.now()
    let ready = false
    current.exited.then((code) => {
      if (running !== current) return
      running = undefined
      if (ready) startAgain(exitText(code), performance.now() - startedAt)
      else log(`ended before it was ready (${exitText(code)}): it restarts when a file changes`)
    })
    ready = await Promise.race([waitForPort(port, READY_MILLISECONDS), current.exited.then(() => false)])
    return ready
  }

  function startAgain(reason: string, lived: number): void {
    if (lived > RESTART_MILLISECONDS.settled) pause = RESTART_MILLISECONDS.first
    log(`ended unexpectedly (${reason}): restarting in ${pause / 1000} s`)
    setTimeout(() => {
      if (!running && !stopped) void restart()
    }, pause).unref()
    pause = Math.min(pause * 2, RESTART_MILLISECONDS.most)
  }

  async function end(): Promise<void> {
    const current = running
    running = undefined
    await current?.stop()
  }

  async function restartOnce(): Promise<void> {
    do {
      again = false
      await end()
      const ready = await start()
      if (ready && !again) log('ready again')
    } while (again)
  }

  /** Ends it if it runs and starts it again; calls during a restart lead to one more. */
  function restart(): Promise<void> {
    if (restarting) again = true
    restarting ??= restartOnce()
      .catch((error: Error) => log(error.message))
      .finally(() => {
        restarting = undefined
      })
    return restarting
  }

  function stop(): Promise<void> {
    stopped = true
    return end()
  }

  return { start, stop, restart }
}
