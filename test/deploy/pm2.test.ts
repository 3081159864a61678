import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
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

/** The real PM2, with a daemon of its own. */
async function pm2(...args: string[]): Promise<string> {
  const bin = path.resolve('node_modules/.bin')
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, PM2_HOME: path.join(folder, '.pm2'), INSTANCES: '2' }
  return (await run(path.join(bin, 'pm2'), args, { cwd: folder, env })).stdout
}

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
  await run(process.execPath, ['--import', 'tsx', 'scripts/build.ts', '--server', path.join(folder, 'dist')])
  for (const file of ['ecosystem.config.cjs', 'netlify.toml']) await copyFile(file, path.join(folder, file))
  const settings = {
    PORT: port,
    AUTH_BASE_URL: 'https://auth.example.test',
    DATABASE_URL: database.appUrl,
    AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
    OTP_WEBHOOK_SECRET: WEBHOOK_SECRET,
    SUPABASE_FUNCTIONS_URL: 'https://functions.example.test',
    METRICS_PORT: metricsPort,
    CLIENT_IP_HEADER: IP_HEADER,
  }
  await writeFile(
    path.join(folder, '.env'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  await pm2('start', 'ecosystem.config.cjs')
}, 60_000)
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
  await pm2('reload', 'ecosystem.config.cjs')
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

test('each process tells its own metrics, on a port of its own', async () => {
  for (const instance of [0, 1]) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort + instance}/metrics`)).text()
    expect(text).toContain('process_cpu_seconds_total')
  }
})

test('PM2 keeps no secret of the gateway', async () => {
  await pm2('save')
  const { stdout } = await run('grep', ['-rl', 'AUTH_MASTER_SECRET', path.join(folder, '.pm2')]).catch((error) => error)
  expect(stdout).toBe('')
})
