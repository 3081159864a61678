import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { type PostgresBinaries, runAs } from './postgres-binaries.ts'

const run = promisify(execFile)

/**
 * Stops the server that still runs on a data directory, and removes a `postmaster.pid` whose process id belongs to
 * something else by now.
 */
export async function endLeftOver(dataDirectory: string, binaries: PostgresBinaries): Promise<void> {
  const lockFile = path.join(dataDirectory, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10)
  if (!pid || !isAlive(pid)) return
  if (!(await commandLine(pid)).includes('postgres')) return rm(lockFile, { force: true })
  const stop = (mode: string) =>
    run(binaries.pgCtl, ['stop', '-D', dataDirectory, '-m', mode, '-t', '20'], { ...runAs, cwd: dataDirectory })
  await stop('fast').catch(() => (isAlive(pid) ? stop('immediate') : undefined))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

// Where it cannot be told, the lock file is believed.
async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (process.platform === 'win32') return 'postgres'
  return run('ps', ['-o', 'command=', '-p', String(pid)]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}
