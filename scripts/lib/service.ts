import { killLeftOver } from './left-over.ts'
import { isPortBusy, waitForPort } from './ports.ts'
import { type ProcessOptions, type RunningProcess, startProcess } from './process.ts'

const READY_MILLISECONDS = 120_000

export interface ServiceOptions extends Omit<ProcessOptions, 'output'> {
  name: string
  port: number
  /** The environment variable that chooses the port. */
  portVariable: string
  log: (line: string) => void
}

export interface Service {
  /** Starts it and waits until its port answers; false when it ended before that. */
  start(): Promise<boolean>
  /** Ends it if it runs and starts it again; calls during a restart lead to one more. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A program of the development environment that listens on a port. */
export function createService({ name, port, portVariable, log, ...command }: ServiceOptions): Service {
  let running: RunningProcess | undefined
  let restarting: Promise<void> | undefined
  let again = false

  async function start(): Promise<boolean> {
    if (command.pidFile) await killLeftOver(command.pidFile, command.args.at(-1) ?? command.command)
    if (await isPortBusy(port))
      throw new Error(`Port ${port} is taken, ${name} needs it: end what listens there or set ${portVariable}`)
    const current = startProcess({ ...command, output: log })
    running = current
    current.exited.then((code) => {
      if (running !== current) return
      running = undefined
      log(`ended by itself (exit code ${code})`)
    })
    return Promise.race([waitForPort(port, READY_MILLISECONDS), current.exited.then(() => false)])
  }

  async function stop(): Promise<void> {
    const current = running
    running = undefined
    await current?.stop()
  }

  async function restartOnce(): Promise<void> {
    do {
      again = false
      await stop()
      const ready = await start()
      if (ready && !again) log('ready again')
    } while (again)
  }

  return {
    start,
    stop,
    restart: () => {
      if (restarting) again = true
      restarting ??= restartOnce()
        .catch((error: Error) => log(error.message))
        .finally(() => {
          restarting = undefined
        })
      return restarting
    },
  }
}
