import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import {
  program,
  RefusedError,
  readFlags,
  type Terminal,
  UsageError,
  wholeNumber,
} from '../../../scripts/lib/terminal.ts'
import { PEERS } from './adapters/index.ts'
import { measureColdStarts } from './cold-start.ts'
import { type Counts, countPerFlow } from './counts.ts'
import { buildProject, installPeers } from './packages.ts'
import { printColdStarts, printOperations, printStaleAnswers, problemsOf } from './report.ts'
import { type DatabaseServer, startDatabaseServer } from './server.ts'
import { measureOperation, type Settings, type Slice } from './slice.ts'
import { measureStaleAnswers, type StaleAnswers } from './stale.ts'
import { createTarget, type Target } from './target.ts'
import { type OperationName, TITLES } from './types.ts'

const USAGE = `npm run bench:peers [-- [--peers <names>] [--ops <names>] [--reps <n>] [--ms <n>] [--warm <n>] [--prewarm <n>]
                       [--conc <n>] [--cold-reps <n>] [--json <file>]]

Measures the built server next to other servers: ${[...PEERS.keys()].join(', ')}.
--ops takes some of ${Object.keys(TITLES).join(', ')}.
--reps is how many slices of each are measured (3), --ms how long one takes (2500), --warm how long it runs before (700), --prewarm
how long a fresh process is loaded before its first slice (2000), all in milliseconds; --conc is the number of users (16),
--cold-reps the number of cold starts (7). --json leaves all figures in a file. It needs Linux and two cores.
Exit code 1: a server gave an unexpected answer, or the project a stale one; 2: wrong usage.`

const FLAGS = {
  peers: { type: 'string', default: [...PEERS.keys()].join() },
  ops: { type: 'string', default: Object.keys(TITLES).join() },
  reps: { type: 'string', default: '3' },
  ms: { type: 'string', default: '2500' },
  warm: { type: 'string', default: '700' },
  prewarm: { type: 'string', default: '2000' },
  conc: { type: 'string', default: '16' },
  'cold-reps': { type: 'string', default: '7' },
  json: { type: 'string' },
} as const

/** @throws UsageError for a name that does not exist */
function readNames<Name extends string>(flag: string, text: string, known: Iterable<Name>): Name[] {
  const all = [...known]
  const names = text.split(',')
  const unknown = names.find((name) => !all.includes(name as Name))
  if (unknown !== undefined) throw new UsageError(`--${flag}: there is no ${unknown}`)
  return all.filter((name) => names.includes(name))
}

/** @throws RefusedError where processes cannot be pinned and counted */
function requireLinux(): void {
  try {
    execFileSync('taskset', ['-c', '1', 'true'], { stdio: 'ignore' })
  } catch {
    throw new RefusedError('It needs Linux with taskset and two cores')
  }
}

/** Sets all servers up, one after the other, and counts what their flows cost the database while nothing else uses it. */
async function setUp(
  server: DatabaseServer,
  { peers, operations }: { peers: string[]; operations: OperationName[] },
  report: Terminal['err'],
) {
  const targets: Target[] = []
  const counts: Counts[] = []
  for (const name of peers) {
    const peer = PEERS.get(name)
    if (!peer) continue
    report(`Setting up ${name}`)
    const target = await createTarget(peer, server.url)
    await target.restart()
    for (const operation of operations)
      if (target.operations[operation]) counts.push(await countPerFlow(target, operation, server))
    await target.stop()
    targets.push(target)
  }
  return { targets, counts }
}

async function measureAll(
  server: DatabaseServer,
  targets: Target[],
  operations: OperationName[],
  settings: Settings,
  report: Terminal['err'],
): Promise<Slice[]> {
  const slices: Slice[] = []
  for (const operation of operations) {
    const able = targets.filter((target) => target.operations[operation] || target.peer.name === 'raw')
    if (!able.some((target) => target.operations[operation])) continue
    report(`Measuring ${operation}, ${TITLES[operation]}`)
    slices.push(...(await measureOperation(operation, able, server.postmaster, settings)))
  }
  return slices
}

async function command(args: string[], { env, out, err }: Terminal): Promise<number> {
  const flags = readFlags(args, FLAGS)
  const peers = readNames('peers', flags.peers, PEERS.keys())
  const operations = readNames('ops', flags.ops, Object.keys(TITLES) as OperationName[])
  const coldStarts = wholeNumber('cold-reps', flags['cold-reps'])
  const settings: Settings = {
    measureMs: wholeNumber('ms', flags.ms),
    warmMs: wholeNumber('warm', flags.warm),
    prewarmMs: wholeNumber('prewarm', flags.prewarm),
    repetitions: wholeNumber('reps', flags.reps),
    users: wholeNumber('conc', flags.conc),
  }
  requireLinux()
  installPeers()
  if (peers.includes('project')) buildProject()
  const server = await startDatabaseServer()
  let targets: Target[] = []
  try {
    const place = `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.versions.node}, PostgreSQL ${server.version}`
    out(`${place}; ${settings.users} users, ${settings.repetitions} slices of ${settings.measureMs} ms\n`)
    const prepared = await setUp(server, { peers, operations }, err)
    targets = prepared.targets
    const slices = await measureAll(server, targets, operations, settings, err)
    printOperations(slices, prepared.counts)
    const project = targets.find(({ peer }) => peer.name === 'project')
    const stale: StaleAnswers[] = project ? await measureStaleAnswers(project) : []
    if (project) printStaleAnswers(stale)
    const starts = await measureColdStarts(targets, coldStarts)
    printColdStarts(starts)
    const figures = { settings, slices, counts: prepared.counts, stale, starts }
    if (flags.json) writeFileSync(path.resolve(env.INIT_CWD ?? '', flags.json), JSON.stringify(figures, null, 1))
    return problemsOf(slices).length > 0 || stale.some((one) => one.stale > 0) ? 1 : 0
  } finally {
    for (const target of targets) await target.stop()
    await server.stop()
  }
}

await program(import.meta.url, USAGE, command, { alone: true })
