import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAlive } from '../../scripts/lib/left-over.ts'
import { type Postgres, startPostgres } from '../../scripts/lib/postgres.ts'

let folder: string
let dataDirectory: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'postgres-'))
  dataDirectory = path.join(folder, 'data')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function ask<T>(server: Postgres, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(server.url, { max: 1, onnotice: () => {} })
  return work(sql).finally(() => sql.end())
}

const serverPid = async () => Number.parseInt(await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8'), 10)

describe('the embedded Postgres', { timeout: 60_000 }, () => {
  test('keeps its data from one start to the next and listens on the loopback interface only', async () => {
    const first = await startPostgres({ dataDirectory })
    const [row] = await ask(first, async (sql) => {
      await sql`create table kept (n int)`
      return sql`select current_setting('listen_addresses') as addresses, current_setting('server_encoding') as encoding`
    })
    expect(row).toEqual({ addresses: '127.0.0.1', encoding: 'UTF8' })
    await first.stop()
    const second = await startPostgres({ dataDirectory, settings: { max_connections: '33' } })
    expect(
      await ask(second, (sql) => sql`select to_regclass('kept') as kept, current_setting('max_connections') as max`),
    ).toEqual([{ kept: 'kept', max: '33' }])
    await second.stop()
  })

  test('asks for the password', async () => {
    const server = await startPostgres({ dataDirectory })
    const sql = postgres(server.url.replace(/:[^:@]+@/, ':wrong@'), { max: 1 })
    await expect(sql`select 1`).rejects.toMatchObject({ code: '28P01' })
    await sql.end()
    await server.stop()
  })

  test('starts where another one was left running, and where one was killed', async () => {
    await startPostgres({ dataDirectory })
    const left = await serverPid()
    const second = await startPostgres({ dataDirectory })
    expect(isAlive(left)).toBe(false)
    process.kill(await serverPid(), 'SIGKILL')
    const third = await startPostgres({ dataDirectory })
    expect(await ask(third, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }])
    await Promise.all([second.stop(), third.stop()])
  })

  test('starts when the process id in the lock file belongs to another program by now', async () => {
    await writeFile(path.join(dataDirectory, 'postmaster.pid'), `${process.pid}\n${dataDirectory}\n`)
    const server = await startPostgres({ dataDirectory })
    await server.stop()
  })

  test('names the port that is taken', async () => {
    const server = await startPostgres({ dataDirectory })
    await expect(startPostgres({ dataDirectory: path.join(folder, 'other'), port: server.port })).rejects.toThrow(
      `Port ${server.port} is taken, Postgres cannot listen on it`,
    )
    await server.stop()
  })

  test('takes another port when an outgoing connection occupies the preferred one', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const outgoing = connect((listener.address() as AddressInfo).port, '127.0.0.1')
    await once(outgoing, 'connect')
    const server = await startPostgres({ dataDirectory, preferredPort: outgoing.localPort })
    expect(server.port).not.toBe(outgoing.localPort)
    await server.stop()
    outgoing.destroy()
    listener.close()
  })

  test('reports the reason from its log when a setting is wrong', async () => {
    await expect(startPostgres({ dataDirectory, settings: { max_connections: 'many' } })).rejects.toThrow(
      'invalid value for parameter "max_connections": "many"',
    )
  })

  test('refuses the data of another major version', async () => {
    const file = path.join(dataDirectory, 'PG_VERSION')
    const version = await readFile(file, 'utf8')
    await writeFile(file, '12\n')
    await expect(startPostgres({ dataDirectory })).rejects.toThrow('was made by PostgreSQL 12')
    await writeFile(file, version)
  })
})
