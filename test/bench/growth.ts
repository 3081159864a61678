import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { archiveMonth } from '../../scripts/lib/archive-month.ts'
import { listMonths } from '../../scripts/lib/months.ts'
import { readFlagsOrExit } from '../../scripts/lib/terminal.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { loadConfig } from '../../shared/config.ts'
import { type Gateway, openGateway } from '../../shared/gateway.ts'
import { type BenchDatabase, startBenchDatabase } from './database.ts'
import { type Client, EVENTS_PER_SIGN_IN, idAt, type SeededPerson, signInAt } from './growth-events.ts'
import { growthQueries, sample } from './growth-queries.ts'
import { percentile } from './measure.ts'

const USAGE = `npm run bench:growth [-- --events <sizes>]

Measures what a growing log costs, at each size of it: 100000,1000000,10000000. It takes 18 GB and half an hour. Exit code 2: wrong usage.`
const options = readFlagsOrExit(USAGE, { events: { type: 'string', default: '100000,1000000,10000000' } })
const SIZES = options.events.split(',').map(Number)
const BATCH = 25
const MONTHS = 12
/** People in each. */
const ORGANIZATION = 30
const WRITERS = 2
const ROUNDS = 25
const DAY = 86_400_000

const SETTINGS = {
  // What is filled in need not outlive a crash.
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_wal_size: '8GB',
  maintenance_work_mem: '512MB',
}

/** Sign-ins of more and more people over a year, through `append_events` with its projections. */
async function fillIn({ store, personal }: Gateway, clients: Client[], events: number): Promise<void> {
  const people: SeededPerson[] = []
  let organization = randomUUID()
  const start = Date.now() - MONTHS * 30 * DAY
  const total = events / EVENTS_PER_SIGN_IN
  let signIns = 0
  const next = () => {
    const at = Math.floor(start + Math.min(1, signIns / total) * (Date.now() - start))
    const n = signIns++
    const client = clients[n % clients.length] as Client
    const known = n % 10 === 0 ? undefined : people[Math.floor(Math.random() * people.length)]
    if (known) return signInAt(personal, at, { ...known, isNew: false }, client)
    if (people.length % ORGANIZATION === 0) organization = randomUUID()
    const person = { uai: idAt(at), address: randomUUID(), organization, isNew: true }
    people.push(person)
    return signInAt(personal, at, person, client)
  }
  const writer = async () => {
    while (signIns < total) {
      const batch = Array.from({ length: BATCH }, next)
      await store.append(
        batch.flatMap(({ appends }) => appends),
        batch.flatMap(({ keys }) => keys),
      )
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

/** What is filled in happened when its ids say; what comes afterwards happens now again. */
async function goByIds<T>({ sql }: BenchDatabase, use: () => Promise<T>): Promise<T> {
  const [row] = await sql<{ definition: string }[]>`
    select pg_get_functiondef(oid) as definition from pg_proc where proname = 'append_events'`
  const definition = row?.definition ?? ''
  const byId = `uuid_extract_timestamp((a.events->0->>'event_id')::uuid)`
  await sql.unsafe(definition.replace('clock_timestamp()', byId))
  return use().finally(() => sql.unsafe(definition))
}

/** Milliseconds of each query, the middle of several. */
async function ask(gateway: Gateway, database: BenchDatabase): Promise<Record<string, number>> {
  const times: Record<string, number> = {}
  for (const [name, query] of Object.entries(growthQueries(gateway, await sample(database.sql)))) {
    const taken: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const at = performance.now()
      await query()
      taken.push(performance.now() - at)
    }
    taken.sort((a, b) => a - b)
    times[name] = percentile(taken, 0.5)
  }
  return times
}

const shown = (n: number) => n.toLocaleString('en')

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(0)} s`

async function verifyAll({ sql }: BenchDatabase): Promise<void> {
  const at = performance.now()
  const { ok, events, faults } = await verifyEvents(sql)
  console.log(
    `verified ${shown(events)} events in ${seconds(at)}: ${ok ? 'every chain holds' : JSON.stringify(faults)}`,
  )
}

async function archiveOldest(gateway: Gateway, { sql }: BenchDatabase): Promise<void> {
  const months = await listMonths(sql)
  const oldest = months.find(({ bytes, obstacle }) => obstacle === null && bytes > 1e6)
  if (!oldest) return console.log('no month can be archived')
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-bench-archive-'))
  const at = performance.now()
  const { month, events, file } = await archiveMonth({ sql, gateway }, oldest, folder)
  const megabytes = Math.round((await stat(file)).size / 1e6)
  console.log(`archived ${month}: ${shown(events)} events, ${megabytes} MB, in ${seconds(at)}`)
  await rm(folder, { recursive: true })
}

/** A log of a year up to now. Answers the milliseconds of each query. */
async function measure(size: number, last: boolean): Promise<Record<string, number>> {
  const database = await startBenchDatabase(SETTINGS)
  const secrets = { AUTH_MASTER_SECRET: randomBytes(32).toString('base64') }
  const { gateway } = await openGateway(loadConfig({ NODE_ENV: 'test', DATABASE_URL: database.appUrl, ...secrets }))
  try {
    const { sql } = database
    await sql`select auth_gateway.ensure_event_partitions(now() - make_interval(months => ${MONTHS}), ${MONTHS + 1})`
    const clients = await sql<Client[]>`select id, client_id from auth_gateway.api_clients order by client_id limit 6`
    const at = performance.now()
    await goByIds(database, () => fillIn(gateway, clients, size))
    const appended = seconds(at)
    const seeded = performance.now()
    while ((await makeCheckpoints(gateway, 600_000)) > 0);
    const taken = seconds(seeded)
    await sql`vacuum analyze`
    const [row] = await sql<{ events: number; bytes: string }[]>`
      select (select size from auth_gateway.audit_tree)::integer as events, pg_size_pretty(pg_database_size(current_database())) as bytes`
    console.log(
      `${shown(row?.events ?? 0)} events, ${row?.bytes}; appended in ${appended}, taken into the audit tree in ${taken}`,
    )
    const times = await ask(gateway, database)
    if (last) {
      await verifyAll(database)
      await archiveOldest(gateway, database)
      await verifyAll(database)
    }
    return times
  } finally {
    await gateway.close()
    await database.stop()
  }
}

const results: Record<string, number>[] = []
for (const size of SIZES) results.push(await measure(size, size === SIZES.at(-1)))
console.log(`\n| milliseconds, at events | ${SIZES.map(shown).join(' | ')} |\n|---|${SIZES.map(() => '--:|').join('')}`)
for (const name of Object.keys(results[0] ?? {}))
  console.log(`| ${name} | ${results.map((one) => one[name]?.toFixed(1)).join(' | ')} |`)
