import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { isAlive, isRunning } from './left-over.ts'
import { type PostgresBinaries, runAs } from './postgres-binaries.ts'

const run = promisify(execFile)

/**
 * Stops a server that still runs on a data directory, and removes a `postmaster.pid` whose process id now belongs to
 * another program.
 */
export async function endLeftOver(dataDirectory: string, binaries: PostgresBinaries): Promise<void> {
  const lockFile = path.join(dataDirectory, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10)
  if (!pid || !isAlive(pid)) return
  if (!(await isRunning(pid, 'postgres'))) return rm(lockFile, { force: true })
  const stop = (mode: string) =>
    run(binaries.pgCtl, ['stop', '-D', dataDirectory, '-m', mode, '-t', '20'], { ...runAs, cwd: dataDirectory })
  await stop('fast').catch(() => (isAlive(pid) ? stop('immediate') : undefined))
}
