import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../scripts/lib/left-over.ts'
import { freePort, isPortBusy } from '../../scripts/lib/ports.ts'

const FILES = ['postgres/postmaster.pid', 'functions.pid', 'gateway.pid']
const ports = { PORT: 0, FUNCTIONS_PORT: 0, MAILBOX_PORT: 0, SUPABASE_AUTH_PORT: 0 }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dev-'))
})

beforeEach(async () => {
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort()
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface Dev {
  child: ChildProcess
  output(): string
  /** The process ids of the database server and the services. */
  pids(): Promise<number[]>
}

function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(ports).map(([name, port]) => [name, String(port)])
  const unset = {
    DATABASE_URL: '',
    DATABASE_MIGRATION_URL: '',
    AUTH_BASE_URL: '',
    SUPABASE_FUNCTIONS_URL: '',
    SUPABASE_URL: '',
  }
  return { ...process.env, NO_COLOR: '1', ...unset, ...Object.fromEntries(own), NODE_ENV: '', DEV_DIRECTORY: folder }
}

async function startDev(until = /Ctrl-C stops everything[\s\S]*Tokens/): Promise<Dev> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/dev.ts'], { env: environment(), stdio: 'pipe' })
  let output = ''
  const read = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  while (!until.test(output) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50))
  const pids = () =>
    Promise.all(FILES.map(async (name) => Number.parseInt(await readFile(path.join(folder, name), 'utf8'), 10)))
  return { child, output: () => output, pids }
}

async function end(dev: Dev, signal: NodeJS.Signals): Promise<void> {
  const exited = once(dev.child, 'exit')
  dev.child.kill(signal)
  await exited
}

/** The issuer that `npm run doctor` uses, given only the folder. */
async function issuerOfDoctor(): Promise<string | undefined> {
  const unset = Object.fromEntries(Object.keys(ports).map((name) => [name, '']))
  const doctor = spawn(process.execPath, ['--import', 'tsx', 'scripts/doctor.ts', '--json'], {
    env: { ...environment(), ...unset },
  })
  const checks = (await json(doctor.stdout)) as { check: string; detail: string }[]
  return /http:\/\/localhost:\d+/.exec(checks.find(({ check }) => check === 'issuer')?.detail ?? '')?.[0]
}

const status = async (port: number, route: string) => (await fetch(`http://127.0.0.1:${port}${route}`)).status

async function expectEverythingUp(dev: Dev): Promise<void> {
  expect(dev.output()).toContain('Ctrl-C stops everything')
  expect(await status(ports.PORT, '/ready')).toBe(200)
  expect(await status(ports.MAILBOX_PORT, '/messages.json')).toBe(200)
  const user = { email: 'ada@lanonasis.test', password: 'correct horse battery' }
  const login = { method: 'POST', body: JSON.stringify(user), headers: { 'content-type': 'application/json' } }
  expect((await fetch(`http://127.0.0.1:${ports.PORT}/v1/auth/login`, login)).status).toBe(200)
  expect(await status(ports.FUNCTIONS_PORT, '/functions/v1/send-otp-email')).toBe(405)
}

describe('npm run dev', { timeout: 120_000 }, () => {
  test('starts everything from nothing, and a signal ends it all', async () => {
    const dev = await startDev()
    await expectEverythingUp(dev)
    expect(dev.output()).toContain(`/oauth/authorize?response_type=code&client_id=auth-tester`)
    expect(await issuerOfDoctor()).toBe(`http://localhost:${ports.PORT}`)
    const pids = await dev.pids()
    await end(dev, 'SIGTERM')
    expect(dev.child.exitCode).toBe(0)
    expect(existsSync(path.join(folder, 'running.json'))).toBe(false)
    expect(pids.filter(isAlive)).toEqual([])
  })

  test('starts a gateway and a database again that were killed, and says why', async () => {
    const dev = await startDev()
    const pids = await dev.pids()
    const killed = pids.at(-1) ?? 0
    process.kill(pids[0] ?? 0, 'SIGKILL')
    await expect.poll(() => dev.output(), { timeout: 30_000 }).toMatch(/database +ready again/)
    expect(dev.output()).toMatch(/database +ended unexpectedly \(killed by SIGKILL\): restarting/)
    process.kill(killed, 'SIGKILL')
    await expect.poll(() => dev.output(), { timeout: 30_000 }).toMatch(/gateway +ready again/)
    expect(dev.output()).toMatch(/gateway +ended unexpectedly \(killed by SIGKILL\): restarting in 0\.25 s/)
    await expectEverythingUp(dev)
    expect((await dev.pids()).at(-1)).not.toBe(killed)
    await end(dev, 'SIGTERM')
  })

  test('leaves nothing behind when it is killed hard', async () => {
    const dev = await startDev()
    const pids = await dev.pids()
    await end(dev, 'SIGKILL')
    await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
  })

  test('takes over from one that already runs in the same folder', async () => {
    const first = await startDev()
    const second = await startDev()
    expect(first.child.exitCode).toBe(0)
    expect(second.output()).toContain('stopped the npm run dev that was already running here')
    await expectEverythingUp(second)
    await end(second, 'SIGTERM')
  })

  test('says which port is taken and by which variable to choose another', async () => {
    ports.MAILBOX_PORT = ports.PORT
    const same = await startDev()
    expect(same.output()).toContain('PORT, FUNCTIONS_PORT, MAILBOX_PORT and SUPABASE_AUTH_PORT must differ')
    expect(same.child.exitCode).toBe(1)
    const blocker = spawn(process.execPath, ['-e', `require('net').createServer().listen(${ports.PORT}, '127.0.0.1')`])
    await expect.poll(() => isPortBusy(ports.PORT)).toBe(true)
    ports.MAILBOX_PORT = await freePort()
    const dev = await startDev(/is taken/)
    if (dev.child.exitCode === null) await once(dev.child, 'exit')
    blocker.kill()
    expect(dev.output()).toContain(
      `Port ${ports.PORT} is taken, the gateway needs it: stop what listens there or set PORT\n`,
    )
    expect(dev.child.exitCode).toBe(1)
  })
})
