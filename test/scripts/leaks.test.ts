import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { events } from '../../scripts/events.ts'
import { keys } from '../../scripts/keys.ts'
import { onServer } from '../../scripts/lib/gateway-database.ts'
import { listSealed, sealedTables } from '../../scripts/lib/sealed-values.ts'
import type { Command } from '../../scripts/lib/terminal.ts'
import { checkpointSigner, makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { loadConfig } from '../../shared/config.ts'
import { type Gateway, openGateway } from '../../shared/gateway.ts'
import { startErrors } from '../../shared/start.ts'
import { createKeyRing } from '../../shared/tokens/key-ring.ts'
import { createNoteOpener } from '../../shared/tokens/note.ts'
import { configuredRoots, openRing, type StoredRing } from '../../shared/tokens/roots.ts'
import { createTraffic } from '../projections/traffic.ts'
import { copyOf, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

// Each leak of docs/operations/keys.md: what leaked is taken, the commands of its chapter are run, and then it is tried.

const PROGRAMS: Record<string, Command> = { keys, events }
/** The commands of each chapter, as arguments. */
const chapters = new Map(
  (readFileSync('docs/operations/keys.md', 'utf8').split('\n## Leaks\n')[1] ?? '')
    .split('\n### ')
    .slice(1)
    .map((chapter) => {
      const [title = '', ...lines] = chapter.split('\n')
      const commands = lines
        .filter((line) => line.startsWith('npm run '))
        .map(
          (line) =>
            line
              .match(/"[^"]*"|\S+/g)
              ?.slice(2)
              .map((word) => word.replaceAll('"', '')) ?? [],
        )
      return [title, commands] as const
    }),
)

const secret = () => randomBytes(32).toString('base64')
const [older, newer, audit, newerAudit] = [secret(), secret(), secret(), secret()]
let sound: TestDatabase
let database: TestDatabase

type Secrets = { root: string; audit?: string }
const settings = ({ root, audit: key = audit }: Secrets) => ({
  ...{ NODE_ENV: 'test', DATABASE_URL: database.appUrl, AUTH_MASTER_SECRET: root, AUDIT_SIGNING_KEY: key },
})
async function opened<T>(secrets: Secrets, use: (gateway: Gateway) => Promise<T>): Promise<T> {
  const { gateway } = await openGateway(loadConfig(settings(secrets)))
  return use(gateway).finally(() => gateway.close())
}
async function follow(title: string, secrets: Secrets): Promise<void> {
  for (const [name = '', , ...args] of chapters.get(title) ?? []) {
    // No process serves this database: there is none to wait for.
    const waits = args[0] === 'rewrap' ? ['--known', '0', '--overlap', '0'] : []
    const env = { ...settings(secrets), DATABASE_MIGRATION_URL: database.ownerUrl }
    const done = await call(PROGRAMS[name] as Command, env, ...args, ...waits)
    expect([done.exitCode, done.err]).toEqual([0, ''])
  }
}
const verify = async (secrets: Secrets, ...more: string[]) =>
  call(events, { ...settings(secrets), DATABASE_MIGRATION_URL: database.ownerUrl }, 'verify', ...more)

const storedRing = () =>
  onServer(
    database.superuserUrl,
    async (sql): Promise<StoredRing> => (await sql`select auth_gateway.read_key_ring() as ring`)[0]?.ring,
  )

/** How many stored values keys open. */
async function opens(ring: ReturnType<typeof createKeyRing>): Promise<number> {
  const all = await onServer(database.superuserUrl, (sql) =>
    Promise.all(sealedTables.map((table) => listSealed(sql, table, { after: '', limit: 10_000 }))),
  )
  return all.flat().filter(({ purpose, sealed, context }) => {
    try {
      return purpose && ring.open(purpose, sealed, context)
    } catch {
      return false
    }
  }).length
}
const leakedRing = async (root: string) => {
  const [opener] = configuredRoots(loadConfig(settings({ root })))
  if (!opener) throw new Error('no root')
  return createKeyRing(await openRing(await storedRing(), opener), () => new Date())
}
const kids = (secrets: Secrets) =>
  opened(secrets, async (gateway) => (await gateway.keys.published()).map(({ kid }) => kid))

beforeAll(async () => {
  sound = await createTestDatabase()
  database = sound
  await opened({ root: older }, async (gateway) => {
    await createTraffic(gateway).actions.sendCode(1)
    await gateway.keys.published()
    await makeCheckpoints(gateway)
  })
})
beforeEach(async () => {
  database = await copyOf(sound)
  return () => database.drop()
})
afterAll(() => sound?.drop())

test('the rehearsed leaks are those of docs/operations/keys.md', () => {
  expect([...chapters.keys()]).toEqual([
    'The root',
    'A dump',
    'The root and a dump',
    'A signing key of tokens',
    'The key of the audit log',
  ])
})

describe('after a leak of', { timeout: 30_000 }, () => {
  test('the root: it opens nothing', async () => {
    await follow('The root', { root: `${newer}|${older}` })
    await expect(opened({ root: older }, async () => {})).rejects.toThrow(startErrors.root)
    await expect(leakedRing(older)).rejects.toThrow('unable to authenticate data')
    expect((await verify({ root: newer })).exitCode).toBe(0)
  })

  test('a dump: nothing opens it without its root', async () => {
    expect(chapters.get('A dump')).toEqual([])
    await expect(leakedRing(newer)).rejects.toThrow('unable to authenticate data')
    const ring = createKeyRing([], () => new Date())
    expect(await opens(ring)).toBe(0)
  })

  test('the root and a dump: they open nothing that is stored now, and sign nothing', async () => {
    const leaked = await leakedRing(older)
    expect(await opens(leaked)).toBeGreaterThan(2)
    const before = await kids({ root: older })
    await follow('The root and a dump', { root: `${newer}|${older}` })
    expect(await opens(leaked)).toBe(0)
    await expect(leakedRing(older)).rejects.toThrow('unable to authenticate data')
    expect((await kids({ root: newer })).filter((kid) => before.includes(kid))).toEqual([])
    expect((await verify({ root: newer })).exitCode).toBe(0)
  })

  test('a signing key of tokens: no token that it signs is valid', async () => {
    const before = await kids({ root: older })
    await follow('A signing key of tokens', { root: older })
    expect((await kids({ root: older })).filter((kid) => before.includes(kid))).toEqual([])
  })

  test('the key of the audit log: it signs nothing under the new name', async () => {
    const now = { root: older, audit: newerAudit }
    const verifierOf = (secrets: Secrets, origin: string) =>
      opened(secrets, async (gateway) => checkpointSigner(gateway, origin).verifierKey)
    const [log] = await onServer(database.superuserUrl, (sql) => sql`select origin from auth_gateway.audit_log`)
    await follow('The key of the audit log', now)
    await opened(now, makeCheckpoints)
    const [, name = ''] = chapters.get('The key of the audit log')?.[0]?.slice(2) ?? []
    const trusted = await verifierOf(now, name)
    const forged = await opened({ root: older }, async (gateway) =>
      checkpointSigner(gateway, name).sign({
        size: 1,
        root: Buffer.alloc(32),
        position: '1',
        time: new Date().toISOString(),
      }),
    )
    expect(createNoteOpener(trusted)(forged)).toBeUndefined()
    const checked = await verify(now, '--key', await verifierOf({ root: older }, log?.origin), '--key', trusted)
    expect([checked.exitCode, checked.err]).toEqual([0, ''])
  })
})
