import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dropDatabase, onServer } from '../../../scripts/lib/gateway-database.ts'
import { waitForPort } from '../../../scripts/lib/ports.ts'
import { root, startFlags } from '../process.ts'
import { bundle } from './packages.ts'
import { type ProjectSetup, prepareProject } from './project-setup.ts'
import { reservePort } from './reserve-port.ts'
import type { Operations, Peer } from './types.ts'

const SERVER_CORE = '0'
const START_MS = 30_000

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** A server that is set up in a database of its own, and can be started again and again. */
export type Target = {
  peer: Peer
  operations: Operations
  context: unknown
  /** Name of its database. */
  database: string
  /** Role that it logs in as. */
  role: string
  /** Program that is started. */
  file: string
  url: string
  /** Starts a process without waiting for it, pinned to the first core. */
  launch(port?: number): ChildProcess
  /** Ends the process, if there is one, and starts a fresh one. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** Process id of the running server. */
  pid(): number
}

type Program = {
  file: string
  flags: string[]
  environment: Record<string, string>
}

export async function endProcess(child: ChildProcess): Promise<void> {
  const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  child.kill('SIGKILL')
  await exited
}

/** Starting and ending the processes of a program. */
function processOf({ file, flags, environment }: Program, ownPort: number) {
  let current: ChildProcess | undefined
  const launch = (port = ownPort) => {
    const env = { PATH: process.env.PATH, PORT: String(port), ...environment }
    const command = ['-c', SERVER_CORE, process.execPath, ...flags, file]
    const child = spawn('taskset', command, { cwd: root, env, stdio: 'ignore' })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }
  const stop = async () => {
    if (current) await endProcess(current)
    current = undefined
  }
  const restart = async () => {
    await stop()
    current = launch()
    const isListening = await waitForPort(ownPort, START_MS)
    if (!isListening || current.exitCode !== null) throw new Error(`${file} did not start`)
  }
  return { launch, stop, restart, pid: () => current?.pid ?? 0 }
}

/** Sets the project up: its database, the people in it, and what the operations need of them. */
async function createProject(peer: Peer, serverUrl: string, port: number): Promise<Target> {
  const url = `http://127.0.0.1:${port}`
  const setup: ProjectSetup = await prepareProject(serverUrl, url)
  const file = `${root}dist/server.mjs`
  const server = processOf({ file, flags: startFlags(), environment: setup.environment }, port)
  await server.restart()
  const context = await setup.createContext().finally(server.stop)
  return {
    peer,
    operations: peer.operations(context),
    context,
    database: setup.database,
    role: setup.role,
    file,
    url,
    ...server,
  }
}

/** Sets a peer up by its own program, which prints the context as its last line. */
async function createPeer(peer: Peer, program: string, serverUrl: string, port: number): Promise<Target> {
  const database = `bench_${peer.name.replace(/\W/g, '_')}`
  await dropDatabase(serverUrl, database)
  await onServer(serverUrl, (sql) => sql`create database ${sql(database)}`)
  const address = new URL(serverUrl)
  address.pathname = `/${database}`
  const environment = { NODE_ENV: 'production', DATABASE_URL: address.href, ...peer.environment }
  const file = await bundle(program)
  const env = { PATH: process.env.PATH, PORT: String(port), SETUP: '1', ...environment }
  const printed = execFileSync(process.execPath, [file], {
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const context = JSON.parse(printed.trim().split('\n').at(-1) ?? '')
  const url = `http://127.0.0.1:${port}`
  const server = processOf({ file, flags: [], environment }, port)
  return { peer, operations: peer.operations(context), context, database, role: address.username, file, url, ...server }
}

/** Sets a server up in an empty database. */
export async function createTarget(peer: Peer, serverUrl: string): Promise<Target> {
  const port = await reservePort()
  return peer.program ? createPeer(peer, peer.program, serverUrl, port) : createProject(peer, serverUrl, port)
}
