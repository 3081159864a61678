import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { isAlive, isRunning } from './left-over.ts'
import { freePort, isPortBusy } from './ports.ts'
import { makeReachable, type PostgresBinaries, postgresBinaries, runAs } from './postgres-binaries.ts'
import { type RunningProcess, startProcess } from './process.ts'

const run = promisify(execFile)
const START_MILLISECONDS = 30_000
const ATTEMPTS = 5

interface PostgresOptions {
  /** Created on the first start. The owner's password is next to it, in `<dataDirectory>.password`. */
  dataDirectory: string
  /** Default: a free one. */
  port?: number
  /** Used when it is free and no `port` is given; another one when binding fails, as on an outgoing connection's port. */
  preferredPort?: number
  /** Server settings, for example `{ max_connections: '200' }`. */
  settings?: Record<string, string>
  /** Server programs to use instead of the ones from npm, for example of another major version. */
  binDirectory?: string
}

export interface Postgres {
  /** Superuser `postgres`, database `postgres`. */
  url: string
  port: number
  /** Settles with the exit code when the server has ended, for whatever reason. */
  exited: Promise<number>
  /** Ends open connections and stops the server. */
  stop(): Promise<void>
}

/**
 * Starts a Postgres server that listens on 127.0.0.1 only and ends with this process, however that ends. A server that
 * still runs on the same directory is stopped first.
 * @throws when the port is taken, the directory belongs to another major version, or the server does not come up (with
 * the last lines of its log)
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDirectory = path.resolve(options.dataDirectory)
  const binaries = await postgresBinaries(options.binDirectory)
  const password = await initialize(dataDirectory, binaries)
  await endLeftOver(dataDirectory, binaries)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await choosePort(attempt === 1 ? options.preferredPort : undefined))
    if (options.port && (await isPortBusy(port))) throw new Error(`Port ${port} is taken, Postgres cannot listen on it`)
    const before = await lockFile(dataDirectory)
    const server = await launch(dataDirectory, binaries, port, options.settings ?? {})
    const failure = await untilReady(dataDirectory, server, before)
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    if (!failure) return { url, port, exited: server.exited, stop: server.stop }
    await server.stop()
    const passing = /could not bind|shared memory block|postmaster.pid/.test(failure)
    if (!passing || attempt === ATTEMPTS) throw new Error(`Postgres did not start in ${dataDirectory}:\n${failure}`)
    await new Promise((resolve) => setTimeout(resolve, 300 * attempt))
  }
}

/**
 * Stops a server that still runs on a data directory, and removes a `postmaster.pid` whose process id now belongs to
 * another program.
 */
async function endLeftOver(dataDirectory: string, binaries: PostgresBinaries): Promise<void> {
  const lockFile = path.join(dataDirectory, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10)
  if (!pid || !isAlive(pid)) return
  if (!(await isRunning(pid, 'postgres'))) return rm(lockFile, { force: true })
  const stop = (mode: string) =>
    run(binaries.pgCtl, ['stop', '-D', dataDirectory, '-m', mode, '-t', '20'], { ...runAs, cwd: dataDirectory })
  await stop('fast').catch(() => (isAlive(pid) ? stop('immediate') : undefined))
}

async function choosePort(preferred: number | undefined): Promise<number> {
  return preferred && !(await isPortBusy(preferred)) ? preferred : freePort()
}

async function initialize(dataDirectory: string, binaries: PostgresBinaries): Promise<string> {
  const passwordFile = `${dataDirectory}.password`
  const version = await readFile(path.join(dataDirectory, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (version === undefined) await initdb(dataDirectory, passwordFile, binaries)
  else if (Number(version) !== binaries.major)
    throw new Error(
      `${dataDirectory} was made by PostgreSQL ${version.trim()}, this is ${binaries.major}: delete it first`,
    )
  return (await readFile(passwordFile, 'utf8')).trim()
}

// Uses a temporary folder that is renamed at the end: a killed initdb leaves nothing that looks finished.
async function initdb(dataDirectory: string, passwordFile: string, binaries: PostgresBinaries): Promise<void> {
  const staging = `${dataDirectory}.new`
  await mkdir(path.dirname(dataDirectory), { recursive: true })
  await makeReachable(path.dirname(dataDirectory))
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { mode: 0o700 })
  await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 })
  if (runAs.uid !== undefined && runAs.gid !== undefined) {
    await chown(staging, runAs.uid, runAs.gid)
    await chown(passwordFile, runAs.uid, runAs.gid)
  }
  const locale =
    binaries.major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-locale']
      : ['--locale=C.UTF-8', '--lc-messages=C']
  const authentication = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  const args = [`--pgdata=${staging}`, '--encoding=UTF8', '--no-sync', ...locale, ...authentication]
  await run(binaries.initdb, args, { ...runAs, cwd: path.dirname(dataDirectory) })
  await rmdir(dataDirectory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new Error(`${dataDirectory} exists and is not a Postgres data directory`)
  })
  await rename(staging, dataDirectory)
}

async function launch(
  dataDirectory: string,
  binaries: PostgresBinaries,
  port: number,
  settings: Record<string, string>,
): Promise<RunningProcess> {
  await makeReachable(path.dirname(dataDirectory))
  const fixed = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    lc_messages: 'C',
    logging_collector: 'off',
  }
  const flags = Object.entries({ ...settings, ...fixed }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const log = await open(path.join(dataDirectory, 'server.log'), 'w', 0o600)
  try {
    const args = ['-D', dataDirectory, '-p', String(port), ...flags]
    return startProcess({ command: binaries.postgres, args, ...runAs, signal: 'SIGINT', output: log.fd })
  } finally {
    await log.close()
  }
}

// postmaster.pid: process id in line 1, start time in line 3, state in line 8. A killed server leaves its own behind.
async function lockFile(dataDirectory: string): Promise<{ server: string; state?: string }> {
  const lines = (await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return { server: `${lines[0]} ${lines[2]}`, state: lines[7]?.trim() }
}

async function untilReady(
  dataDirectory: string,
  server: RunningProcess,
  before: { server: string },
): Promise<string | undefined> {
  let ended = false
  server.exited.then(() => {
    ended = true
  })
  const deadline = Date.now() + START_MILLISECONDS
  while (!ended && Date.now() < deadline) {
    const now = await lockFile(dataDirectory)
    if (now.state === 'ready' && now.server !== before.server) return undefined
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const log = await readFile(path.join(dataDirectory, 'server.log'), 'utf8').catch(() => '')
  return log.trim().split('\n').slice(-10).join('\n') || 'no response from the server in 30 seconds'
}
