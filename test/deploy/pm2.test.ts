import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { IP_HEADER, randomIp, WEBHOOK_SECRET } from '../support/gateway.ts'

const run = promisify(execFile)
const CONNECTIONS = 12
let folder: string
let port: number
let metricsPort: number
let database: TestDatabase

const bin = path.resolve('node_modules/.bin')
const environment = () => ({
  PATH: `${bin}:${process.env.PATH}`,
  HOME: folder,
  PM2_HOME: path.join(folder, '.pm2'),
  INSTANCES: '2',
})
const config = () => path.join(folder, 'current/ecosystem.config.cjs')

/** The real PM2, with a daemon of its own. */
const pm2 = async (...args: string[]): Promise<string> =>
  (await run(path.join(bin, 'pm2'), args, { cwd: folder, env: environment() })).stdout

/** The shipped script, from this checkout. */
const release = (...args: string[]) => run('deploy/pm2/release.sh', [folder, ...args], { env: environment() })

const settings: Record<string, string> = {}
const writeSettings = (changes: Record<string, string> = {}) =>
  writeFile(
    path.join(folder, '.env'),
    Object.entries({ ...settings, ...changes })
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
const health = async () => JSON.parse((await send(new Agent(), 'GET', '/health')).body)

const processes = async (): Promise<{ pid: number; pm2_env: { status: string; restart_time: number } }[]> =>
  JSON.parse((await pm2('jlist')).replace(/^[^[]*/, ''))

type Answer = { status: number; body: string }

function send(agent: Agent, method: string, url: string, body = ''): Promise<Answer> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': body.length,
    [IP_HEADER]: randomIp(),
  }
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, path: url, method, headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, body: text })
    })
      .on('error', reject)
      .end(body)
  })
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-pm2-'))
  ;[port, metricsPort, database] = [await freePort(), await freePort(), await createTestDatabase()]
  Object.assign(settings, {
    PORT: String(port),
    AUTH_BASE_URL: 'https://auth.example.test',
    DATABASE_URL: database.appUrl,
    AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
    OTP_WEBHOOK_SECRET: WEBHOOK_SECRET,
    SUPABASE_FUNCTIONS_URL: 'https://functions.example.test',
    METRICS_PORT: String(metricsPort),
    CLIENT_IP_HEADER: IP_HEADER,
  })
  await writeSettings()
  await release()
}, 120_000)
afterAll(async () => {
  await pm2('kill').catch(() => {})
  await rm(folder, { recursive: true, force: true })
  await database?.drop()
}, 30_000)

test('200 for every request across a reload of two processes, on connections that are kept alive', async () => {
  const before = await processes()
  expect(before.map(({ pm2_env }) => pm2_env.status)).toEqual(['online', 'online'])
  const answers: Answer[] = []
  const failures: unknown[] = []
  let working = true
  const client = async (index: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (working) {
      // Some connections are idle when the server begins to stop.
      await sleep(index % 3 === 0 ? 60 : 3)
      const call = index % 2 ? send(agent, 'GET', '/health') : send(agent, 'POST', '/oauth/introspect', 'token=unknown')
      await call.then(
        (answer) => answers.push(answer),
        (error) => failures.push(error),
      )
    }
    agent.destroy()
  }
  const clients = Array.from({ length: CONNECTIONS }, (_, index) => client(index))
  await sleep(500)
  await pm2('reload', config())
  await sleep(1_000)
  working = false
  await Promise.all(clients)

  const after = await processes()
  expect(after.map(({ pm2_env }) => pm2_env.status)).toEqual(['online', 'online'])
  expect(after.filter(({ pid }) => before.some((one) => one.pid === pid))).toEqual([])
  expect(answers.length).toBeGreaterThan(500)
  expect(failures).toEqual([])
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
}, 60_000)

test('each process exposes its own metrics, on its own port', async () => {
  for (const instance of [0, 1]) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort + instance}/metrics`)).text()
    expect(text).toContain('process_cpu_seconds_total')
  }
})

test('a reload with an environment that cannot serve is refused, and the old processes go on', async () => {
  const before = await processes()
  const wrong: Record<string, string>[] = [
    { AUTH_BASE_URL: 'nonsense' },
    { AUTH_MASTER_SECRET: randomBytes(32).toString('base64') },
  ]
  for (const changes of wrong) {
    await writeSettings(changes)
    await expect(pm2('reload', config())).rejects.toThrow()
    await expect(release('--use', await realpath(path.join(folder, 'current')))).rejects.toThrow()
    expect((await send(new Agent(), 'GET', '/ready')).status).toBe(200)
  }
  await writeSettings()
  expect((await processes()).map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid))
}, 60_000)

test('another release is served once it is current, and the one before when it is again', async () => {
  const one = await realpath(path.join(folder, 'current'))
  const { version, commit } = await health()
  expect({ version, commit }).toEqual({
    version: JSON.parse(await readFile('package.json', 'utf8')).version,
    commit: (await run('git', ['rev-parse', '--short=12', 'HEAD'])).stdout.trim(),
  })
  const two = path.join(folder, 'releases/later')
  await cp(one, two, { recursive: true })
  const program = path.join(two, 'dist/server.mjs')
  await writeFile(program, (await readFile(program, 'utf8')).replaceAll(commit, 'feedfacecafe'))
  await release('--use', two)
  expect((await health()).commit).toBe('feedfacecafe')
  expect((await run(process.execPath, [program, '--version'])).stdout).toBe(`${version} (feedfacecafe)\n`)
  await release('--use', one)
  expect((await health()).commit).toBe(commit)
}, 120_000)

test('npm start ends with the npm that started it', async () => {
  const own = { PORT: String(await freePort()), METRICS_PORT: '', LOG_LEVEL: 'info' }
  const env = { ...environment(), ...settings, ...own, NODE_ENV: 'production' }
  const child = spawn('npm', ['start'], {
    cwd: path.join(folder, 'current'),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  const closed = new Promise((resolve) => child.stdout.once('close', resolve))
  await expect.poll(() => printed, { timeout: 20_000 }).toContain('"message":"listening"')
  child.kill('SIGTERM')
  // Its output is closed when the last process that holds it has ended.
  await closed
  expect(printed).toContain('"message":"stopping"')
}, 60_000)

test('PM2 keeps no secret of the gateway', async () => {
  await pm2('save')
  const { stdout } = await run('grep', ['-rl', 'AUTH_MASTER_SECRET', path.join(folder, '.pm2')]).catch((error) => error)
  expect(stdout).toBe('')
})
