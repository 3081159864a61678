import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, waitForPort } from '../../scripts/lib/ports.ts'
import { runAs } from '../../scripts/lib/postgres-binaries.ts'
import { type RunningProcess, startProcess } from '../../scripts/lib/process.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { getTokens, NATIVE, post, signIn } from '../support/sign-in.ts'

const PGBOUNCER = '/usr/sbin/pgbouncer'
let folder: string
let database: TestDatabase
let pooler: RunningProcess
let gateway: TestGateway

/** PgBouncer in transaction mode, two server connections for everybody: the shape of Supabase's pooler. */
async function startPooler(appUrl: string): Promise<string> {
  const app = new URL(appUrl)
  const port = await freePort()
  folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-pooler-'))
  await chmod(folder, 0o755)
  await writeFile(path.join(folder, 'users.txt'), `"${app.username}" "${decodeURIComponent(app.password)}"\n`)
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    auth_type: 'scram-sha-256',
    auth_file: path.join(folder, 'users.txt'),
    pool_mode: 'transaction',
    default_pool_size: 2,
    max_client_conn: 100,
    unix_socket_dir: '',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const target = `* = host=${app.hostname} port=${app.port}`
  const file = path.join(folder, 'pgbouncer.ini')
  await writeFile(file, ['[databases]', target, '[pgbouncer]', ...lines, ''].join('\n'))
  pooler = startProcess({ command: PGBOUNCER, args: [file], ...runAs, output: () => {} })
  if (!(await waitForPort(port, 5_000))) throw new Error('PgBouncer did not start')
  app.port = String(port)
  return app.href
}

describe.skipIf(!existsSync(PGBOUNCER))('through a transaction-mode pooler with two connections', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    const appUrl = await startPooler(database.appUrl)
    gateway = await startGateway({ database: { appUrl, superuserUrl: database.superuserUrl } })
  })
  afterAll(async () => {
    await gateway?.stop()
    await pooler?.stop()
    await database?.drop()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  test('six people sign in, get tokens, refresh and look at them at once', async () => {
    const work = async () => {
      const person = await signIn(gateway)
      const tokens = await getTokens(gateway, person)
      const form = { grant_type: 'refresh_token', client_id: NATIVE.client_id, refresh_token: tokens.refresh_token }
      const refreshed = await Promise.all([1, 2, 3].map(() => post(gateway, '/oauth/token', form)))
      expect(refreshed.map(({ status }) => status)).toEqual([200, 200, 200])
      const looks = Array.from({ length: 20 }, () =>
        post(gateway, '/oauth/introspect', { token: refreshed[0]?.body.access_token }),
      )
      for (const { body } of await Promise.all(looks)) expect(body).toMatchObject({ active: true, sub: person.uai })
    }
    await Promise.all(Array.from({ length: 6 }, work))
  })
})
