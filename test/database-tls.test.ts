import { chmodSync, chownSync, globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Postgres, startPostgres } from '../scripts/lib/postgres.ts'
import { makeReachable, runAs } from '../scripts/lib/postgres-binaries.ts'
import { databaseTls, type TlsKind, type TlsSettings, tlsKind } from '../shared/database-tls.ts'
import { type Authority, type CertificateWorkshop, openWorkshop } from './support/certificates.ts'

test.each<[string, TlsSettings, TlsKind]>([
  ['postgres://a@localhost/b', {}, 'loopback'],
  ['postgres://a@127.0.0.1:6543/b', { DATABASE_CA: 'x' }, 'loopback'],
  ['postgres://a@[::1]/b', {}, 'loopback'],
  ['postgres://a@db.example.com/b', {}, 'encrypted'],
  ['postgres://a@db.example.com/b?sslmode=disable', {}, 'encrypted'],
  ['postgres://a@db.example.com/b?sslmode=prefer', {}, 'encrypted'],
  ['postgres://a@db.example.com/b?sslmode=verify-full', {}, 'url'],
  ['postgres://a@10.0.0.5/b', { DATABASE_CA: '' }, 'encrypted'],
  ['postgres://a@db.example.com/b', { DATABASE_CA: 'x' }, 'verified'],
  ['postgres://a@pgbouncer:6432/b', { DATABASE_PLAINTEXT: 'true' }, 'plaintext'],
  ['postgres://a@pgbouncer:6432/b', { DATABASE_PLAINTEXT: true }, 'plaintext'],
  ['postgres://a@pgbouncer:6432/b', { DATABASE_PLAINTEXT: 'false' }, 'encrypted'],
])('%s with %j is %s', (url, settings, kind) => {
  expect(tlsKind(url, settings)).toBe(kind)
})

describe('a server', { timeout: 60_000 }, () => {
  let folder: string
  let workshop: CertificateWorkshop
  let ours: Authority
  let server: Postgres

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'database-tls-'))
    workshop = openWorkshop()
    ours = workshop.authority('ours')
    const names = ['DNS:db.example.test']
    const { certFile, keyFile } = ours.issue('/CN=db.example.test', { usage: 'serverAuth', names })
    await makeReachable(workshop.directory)
    chmodSync(certFile, 0o644)
    chmodSync(keyFile, 0o600)
    if (runAs.uid !== undefined && runAs.gid !== undefined) chownSync(keyFile, runAs.uid, runAs.gid)
    server = await startPostgres({
      dataDirectory: path.join(folder, 'data'),
      binDirectory: globSync('/usr/lib/postgresql/*/bin').at(-1),
      settings: { fsync: 'off', ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile },
    })
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    workshop?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  /** Connects to a server on loopback as to a host elsewhere. */
  async function isEncrypted(url: string, host: string, settings: TlsSettings): Promise<boolean> {
    const tls = databaseTls(`postgres://${host}/postgres`, settings)
    const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {}, ...tls })
    try {
      const [row] = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
      return row?.ssl
    } finally {
      await sql.end({ timeout: 1 })
    }
  }

  test('elsewhere is connected to with TLS and verified with the given authority, as text or as a file', async () => {
    expect(await isEncrypted(server.url, 'db.example.test', {})).toBe(true)
    expect(await isEncrypted(server.url, 'db.example.test', { DATABASE_CA: ours.cert })).toBe(true)
    expect(await isEncrypted(server.url, 'db.example.test', { DATABASE_CA: ours.certFile })).toBe(true)
    expect(await isEncrypted(server.url, 'db.example.test', { DATABASE_CA: ours.cert.replaceAll('\n', '\\n') })).toBe(
      true,
    )
  })

  test('of another authority, or with another name, is refused', async () => {
    const { cert } = workshop.authority('other')
    await expect(isEncrypted(server.url, 'db.example.test', { DATABASE_CA: cert })).rejects.toThrow()
    await expect(isEncrypted(server.url, 'db.example.com', { DATABASE_CA: ours.cert })).rejects.toThrow()
  })

  test('that has no TLS is refused, unless it may go without', async () => {
    const { serverUrl } = inject('postgres')
    await expect(isEncrypted(serverUrl, 'db.example.test', {})).rejects.toThrow()
    expect(await isEncrypted(serverUrl, 'db.example.test', { DATABASE_PLAINTEXT: true })).toBe(false)
  })
})
