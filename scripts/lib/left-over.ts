import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Returns whether a process with this id exists, whichever user owns it. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Returns whether the process with this id was started by a command line that contains `words`: process ids are reused.
 * On Windows, where the command line is not available, every running process counts.
 */
export async function isRunning(pid: number, words: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (process.platform === 'win32') return true
  if (process.platform === 'linux') return contains(readFile(`/proc/${pid}/cmdline`, 'utf8'), words)
  return contains(
    run('ps', ['-o', 'command=', '-p', String(pid)]).then(({ stdout }) => stdout),
    words,
  )
}

/** Kills the process whose id is in `pidFile`, if its command line still contains `words`. */
export async function killLeftOver(pidFile: string, words: string): Promise<void> {
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
  if (!pid) return
  if (await isRunning(pid, words)) {
    process.kill(pid, 'SIGKILL')
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await rm(pidFile, { force: true })
}

async function contains(text: Promise<string>, words: string): Promise<boolean> {
  return (await text.catch(() => '')).includes(words)
}
