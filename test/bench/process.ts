import { execFileSync, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort, waitForPort } from '../../scripts/lib/ports.ts'

export type Usage = { cpuMicroseconds: number; residentBytes: number; peakBytes: number }

export type MeasuredProcess = {
  url: string
  usage(): Promise<Usage>
  stop(): Promise<void>
}

export const root = fileURLToPath(new URL('../../', import.meta.url))
const START_MILLISECONDS = 60_000

/** Puts a process with all its threads on these cores; false where the machine has no `taskset`. */
export function pin(pid: number, cores: string): boolean {
  try {
    execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The flags that `npm start` gives to Node. */
export function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

/**
 * Starts a program that listens on `PORT`, with nothing of this process's environment but `PATH`, on the first core.
 * @param file relative to the project
 */
export async function startMeasured(
  file: string,
  { flags = [], env }: { flags?: string[]; env: (url: string) => Record<string, string> },
): Promise<MeasuredProcess> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = fork(`${root}${file}`, {
    cwd: root,
    execArgv: [...flags, '--disable-warning=ExperimentalWarning', '--import', `${root}test/bench/probe.ts`],
    env: { PATH: process.env.PATH, PORT: String(port), ...env(url) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`${file} ended with exit code ${code}`))),
  )
  exited.catch(() => {})
  if (!(await Promise.race([waitForPort(port, START_MILLISECONDS), exited]))) throw new Error(`${file} did not start`)
  if (child.pid) pin(child.pid, '0')
  return {
    url,
    usage: () =>
      Promise.race([
        exited,
        new Promise<Usage>((resolve) => {
          const take = (message: { usage?: Usage } | string) => {
            if (typeof message === 'string' || !message.usage) return
            child.off('message', take)
            resolve(message.usage)
          }
          child.on('message', take)
          child.send('usage')
        }),
      ]),
    stop: async () => {
      child.disconnect()
      await exited.catch(() => {})
    },
  }
}
