import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { measureAppends } from './append.ts'
import { type BenchDatabase, startBenchDatabase } from './database.ts'
import { type DeliveryStub, startDeliveryStub } from './delivery-stub.ts'
import { createKeys, fillKeys, keyScenario } from './keys.ts'
import { CONNECTIONS, measure, type Row } from './measure.ts'
import { ADDRESS_HEADER, type SignedInPerson, signIn } from './people.ts'
import { type MeasuredProcess, pin, startMeasured } from './process.ts'
import {
  authorizeScenarios,
  deviceScenarios,
  otpScenarios,
  readScenarios,
  refreshScenario,
  type Scenario,
} from './scenarios.ts'
import { clientCredentialsScenario, registerService } from './services.ts'

const QUICK = process.argv.includes('--quick')
const SECONDS = QUICK ? 2 : 10
const PEOPLE = QUICK ? 60 : 300

const cell = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits))

function line(columns: string[]): string {
  return columns.map((text, index) => (index === 0 ? text.padEnd(28) : text.padStart(11))).join('')
}

function print({ name, perSecond, p50, p99, cpuMilliseconds, statements, writes, residentMegabytes, unexpected }: Row) {
  const columns = [cell(perSecond, 0), cell(p50, 1), cell(p99, 1), cell(cpuMilliseconds, 2), cell(statements, 2)]
  console.log(line([name, ...columns, cell(writes, 2), cell(residentMegabytes, 0), String(unexpected)]))
}

const yardstick: Scenario = { name: 'yardstick', expect: 200, request: { path: '/' } }

async function startGateway(database: BenchDatabase, delivery: DeliveryStub): Promise<MeasuredProcess> {
  return startMeasured('netlify/server.ts', (url) => ({
    NODE_ENV: 'test',
    AUTH_BASE_URL: url,
    DATABASE_URL: database.appUrl,
    SUPABASE_FUNCTIONS_URL: delivery.url,
    AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
    CLIENT_IP_HEADER: ADDRESS_HEADER,
  }))
}

async function signInPeople(url: string, delivery: DeliveryStub): Promise<SignedInPerson[]> {
  const people: SignedInPerson[] = []
  const worker = async () => {
    while (people.length < PEOPLE) people.push(await signIn(url, delivery))
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  return people
}

async function main(): Promise<number> {
  const cores = cpus().length
  const database = await startBenchDatabase()
  const delivery = await startDeliveryStub()
  const others = cores > 2 ? `1-${cores - 1}` : String(cores - 1)
  const pinned = [process.pid, database.postmaster].map((pid) => pin(pid, others)).every(Boolean)
  const servers: MeasuredProcess[] = []
  let unexpected = 0
  const report = (row: Row) => {
    print(row)
    unexpected += row.unexpected
  }
  try {
    const place = pinned ? `the server on core 0, everything else on core ${others}` : 'not pinned'
    console.log(
      `${cpus()[0]?.model}, ${cores} cores (${place}), Node ${process.versions.node}, PostgreSQL`,
      database.version,
    )
    console.log(`${CONNECTIONS} connections, ${SECONDS} s each; no pooler between; log lines on, written to nowhere\n`)
    console.log(line(['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU ms', 'statements', 'writes', 'RSS MB', 'unexpected']))

    const bare = await startMeasured('test/bench/yardstick.ts', () => ({ DATABASE_URL: database.appUrl }))
    servers.push(bare)
    report(await measure(bare, database, yardstick, SECONDS))
    await bare.stop()
    servers.pop()

    await registerService(database)
    const gateway = await startGateway(database, delivery)
    servers.push(gateway)
    const people = await signInPeople(gateway.url, delivery)
    const plain = await createKeys(gateway.url, people, {})
    const limited = await createKeys(gateway.url, people, { rate_limits: { max_calls_per_minute: 1_000_000 } })
    for (const total of [1_000, 1_000_000]) {
      await fillKeys(database, total)
      const size = total.toLocaleString('en')
      for (const path of ['verify-api-key', 'verify'])
        report(
          await measure(gateway, database, keyScenario(`${path}, ${size} keys`, `/v1/auth/${path}`, plain), SECONDS),
        )
    }
    report(
      await measure(
        gateway,
        database,
        keyScenario('verify-api-key, limited', '/v1/auth/verify-api-key', limited),
        SECONDS,
      ),
    )
    const scenarios = [
      ...readScenarios(people),
      clientCredentialsScenario,
      refreshScenario(people),
      ...authorizeScenarios(people),
      ...otpScenarios(delivery),
    ]
    for (const scenario of scenarios) report(await measure(gateway, database, scenario, SECONDS))
    const [start, pollAndApprove] = deviceScenarios(gateway.url, people)
    report(await measure(gateway, database, start, SECONDS))
    for (const scenario of await pollAndApprove()) report(await measure(gateway, database, scenario, SECONDS))
    report(await measureAppends(database, SECONDS))
    console.log(
      '\nCPU ms, statements and writing transactions are per request; unexpected counts answers of another status.',
    )
  } finally {
    for (const server of servers) await server.stop()
    await delivery.stop()
    await database.stop()
  }
  return unexpected === 0 ? 0 : 1
}

process.exitCode = await main()
