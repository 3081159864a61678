import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface ProcessOptions {
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  /** Folder it runs in; default: that of this process. */
  cwd?: string
  uid?: number
  gid?: number
  /** Sent to end it; default SIGTERM. */
  signal?: NodeJS.Signals
  /** Holds the process id while it runs, so that a process that survives a SIGKILL of everything else can be found. */
  pidFile?: string
  /** Called with every line of its output; or a file descriptor for the output. */
  output: ((line: string) => void) | number
}

export interface RunningProcess {
  /** Settles with the exit code when it has ended; 128 plus the number of the signal that killed it. */
  exited: Promise<number>
  /** Ends it: the signal first, SIGKILL after eight seconds. */
  stop(): Promise<void>
}

/** Describes an exit code. */
export function exitText(code: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => code === 128 + number) ?? []
  return signal ? `killed by ${signal}` : `exit code ${code}`
}

const TETHER = fileURLToPath(new URL('tether.mjs', import.meta.url))

/**
 * Starts a long-running command that never outlives this process, not even after a SIGKILL. It runs in its own process
 * group, so that Ctrl-C in the terminal reaches only this process, which then stops its commands in its own order.
 */
export function startProcess({ output, signal = 'SIGTERM', env, cwd, ...command }: ProcessOptions): RunningProcess {
  const stream = typeof output === 'number' ? output : 'pipe'
  const tether = spawn(process.execPath, [TETHER, JSON.stringify({ ...command, signal })], {
    stdio: ['ignore', stream, stream, 'ipc'],
    env: env ?? process.env,
    cwd,
    detached: true,
  })
  if (typeof output === 'function') forwardLines(tether, output)
  const exited = new Promise<number>((resolve) => {
    tether.once('error', () => resolve(127))
    tether.once('exit', (code) => resolve(code ?? 1))
  })
  return {
    exited,
    stop: async () => {
      if (tether.connected) tether.disconnect()
      await exited
    },
  }
}

function forwardLines(tether: ChildProcess, take: (line: string) => void): void {
  for (const stream of [tether.stdout, tether.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', take)
  }
}
