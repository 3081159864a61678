import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { readFlagsOrExit } from '../../scripts/lib/terminal.ts'
import { measureAppends } from './append.ts'
import { measureColdStarts } from './cold-start.ts'
import { type BenchDatabase, startBenchDatabase } from './database.ts'
import { type DeliveryStub, startDeliveryStub } from './delivery-stub.ts'
import { fill } from './fill.ts'
import { createKeys, keyScenario } from './keys.ts'
import { CONNECTIONS, createBench, type Row, type Scenario } from './measure.ts'
import { ADDRESS_HEADER, signInPeople } from './people.ts'
import { type MeasuredProcess, pin, root, startFlags, startMeasured } from './process.ts'
import { print, printColdStarts, printGoals, printHead } from './report.ts'
import { authorizeScenarios, deviceScenarios, otpScenarios, readScenarios, refreshScenario } from './scenarios.ts'
import { clientCredentialsScenario, registerService } from './services.ts'

const USAGE = `npm run bench [-- [--quick] [--only <pattern>] [--profile <folder>]]

Measures what a request costs. --quick takes fewer rows and requests, --only measures what matches at the smaller size, --profile leaves
a CPU profile of the gateway in a folder. Exit code 2: wrong usage.`
const options = readFlagsOrExit(USAGE, {
  quick: { type: 'boolean' },
  only: { type: 'string' },
  profile: { type: 'string' },
})
const SECONDS = options.quick ? 4 : 10
const PEOPLE = options.quick ? 60 : 300
const FEW = 1_000
const MANY = options.quick ? 100_000 : 1_000_000
const REQUESTS = options.quick ? 30_000 : 500_000
/** Of each function. */
const COLD_STARTS = options.quick ? 5 : 15
const only = options.only ? new RegExp(options.only) : undefined

function startGateway(database: BenchDatabase, delivery: DeliveryStub): Promise<MeasuredProcess> {
  const profiling = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : []
  return startMeasured('dist/server.mjs', {
    flags: [...startFlags(), ...profiling],
    env: (url) => ({
      NODE_ENV: 'test',
      AUTH_BASE_URL: url,
      DATABASE_URL: database.appUrl,
      SUPABASE_FUNCTIONS_URL: delivery.url,
      AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
      CLIENT_IP_HEADER: ADDRESS_HEADER,
    }),
  })
}

async function yardstickScenario({ sql }: BenchDatabase): Promise<Scenario> {
  const ids = (await sql<{ id: string }[]>`select id from auth_gateway.api_keys limit 1000`).map(({ id }) => id)
  let next = 0
  return {
    name: 'yardstick',
    expect: 200,
    next: () => ({ method: 'GET', path: '/', headers: { 'x-key-id': ids[next++ % ids.length] ?? '' } }),
  }
}

const unexpectedIn = (rows: Row[]) => (rows.some(({ unexpected }) => unexpected.length > 0) ? 1 : 0)

async function main(): Promise<number> {
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  const cores = cpus().length
  const others = cores > 2 ? `1-${cores - 1}` : String(cores - 1)
  if (only?.test('cold start')) {
    printColdStarts(await measureColdStarts(COLD_STARTS, pin(process.pid, others)))
    return 0
  }
  const database = await startBenchDatabase()
  const delivery = await startDeliveryStub()
  const pinned = [process.pid, database.postmaster].map((pid) => pin(pid, others)).every(Boolean)
  const servers: MeasuredProcess[] = []
  const rows: Row[] = []
  const report = (row: Row) => {
    print(row)
    rows.push(row)
  }
  try {
    const place = pinned ? `a server on core 0, everything else on core ${others}` : 'not pinned'
    console.log(`${cpus()[0]?.model}, ${cores} cores (${place}), Node ${process.versions.node}`)
    console.log(`PostgreSQL ${database.version}, ${CONNECTIONS} connections, ${SECONDS} s each; no pooler between\n`)
    await registerService(database)
    const gateway = await startGateway(database, delivery)
    servers.push(gateway)
    const bare = await startMeasured('test/bench/yardstick.ts', { env: () => ({ DATABASE_URL: database.appUrl }) })
    servers.push(bare)
    const people = await signInPeople(gateway.url, delivery, PEOPLE)
    const plain = await createKeys(gateway.url, people, {})
    const limited = await createKeys(gateway.url, people, { rate_limits: { max_calls_per_minute: 1_000_000 } })
    await fill(database, FEW)
    const bench = await createBench(database, { gateway, bare }, await yardstickScenario(database), SECONDS)
    const measure = async (scenario: Scenario, suffix = '') => {
      if (only && !only.test(scenario.name)) return
      const row = await bench.measure(scenario)
      if (row) report({ ...row, name: scenario.name + suffix })
    }
    const reads = [
      keyScenario('verify-api-key', '/v1/auth/verify-api-key', plain),
      keyScenario('verify (key)', '/v1/auth/verify', plain),
      ...readScenarios(people),
    ]
    // Until V8 has compiled what is hot, a request costs several times as much.
    await bench.push(reads, options.quick ? 5_000 : 30_000)
    printHead()
    for (const read of reads) await measure(read)
    if (!only) {
      await bench.push(reads, REQUESTS)
      for (const read of reads) await measure(read, `, after ${REQUESTS.toLocaleString('en')} requests`)
      await fill(database, MANY)
      for (const read of reads) await measure(read, `, ${MANY.toLocaleString('en')} rows`)
    }
    await measure(keyScenario('verify-api-key, limited', '/v1/auth/verify-api-key', limited))
    await measure(clientCredentialsScenario)
    await measure(refreshScenario(people))
    for (const scenario of authorizeScenarios(people)) await measure(scenario)
    for (const scenario of otpScenarios(delivery)) await measure(scenario)
    const [start, pollAndApprove] = deviceScenarios(gateway.url, people)
    await measure(start)
    for (const scenario of await pollAndApprove()) await measure(scenario)
    if (!only || only.test('event append')) report(await measureAppends(database, SECONDS))
    report(await bench.yardstick())
    if (only) return unexpectedIn(rows)
    const coldStarts = await measureColdStarts(COLD_STARTS, pinned)
    printColdStarts(coldStarts)
    printGoals(
      rows.filter(({ name }) => name !== 'yardstick'),
      coldStarts,
    )
  } finally {
    for (const server of servers) await server.stop()
    await delivery.stop()
    await database.stop()
  }
  return unexpectedIn(rows)
}

process.exitCode = await main()
