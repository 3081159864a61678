import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identities } from '../../scripts/identities.ts'
import { findIdentity } from '../../scripts/lib/find-identity.ts'
import { isEqual, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { createCall } from '../../shared/call.ts'
import { enrol, totpAuthenticator } from '../../shared/domain/totp-authenticator.ts'
import { commit } from '../../shared/events/commit.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { findOtp } from '../../shared/queries/otp-challenges.ts'
import type { Person } from '../projections/sign-in-traffic.ts'
import { createTraffic, testGateway } from '../projections/traffic.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

let database: TestDatabase
let gateway: Gateway
let owner: postgres.Sql
let people: Person[]
let endSession: (n: number) => Promise<void>

beforeAll(async () => {
  database = await createTestDatabase()
  gateway = await testGateway(database)
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  const traffic = createTraffic(gateway)
  for (let n = 1; n <= 4; n++) {
    await traffic.actions.sendCode(3 * n + 2)
    for (const name of ['guess', 'signIn', 'authorize', 'redeem', 'refresh'] as const)
      await traffic.actions[name](3 * n)
  }
  people = traffic.people
  endSession = traffic.actions.endSession
})

afterAll(async () => {
  await Promise.all([gateway?.close(), owner?.end()])
  await database?.drop()
})

const cli = (...args: string[]) => call(identities, { DATABASE_MIGRATION_URL: database.ownerUrl }, ...args)
const json = async (...args: string[]) => {
  const { exitCode, out, err } = await cli(...args, '--json')
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  return JSON.parse(out)
}
const person = (n: number) => people[n] as Person

test('0: show finds a person by UAI and by e-mail in any case', async () => {
  const { uai, email } = person(0)
  const shown = await json('show', uai)
  expect(shown).toMatchObject({ uai, email, status: 'active', role: 'user', sessions: expect.any(Number) })
  expect(await json('show', ` ${email.toUpperCase()} `)).toEqual(shown)
})

test('0: role makes an operator, with the reason; 2 for a role that there is not', async () => {
  const { uai, email } = person(1)
  const early = await cli('role', email, 'admin')
  expect([early.exitCode, early.err]).toEqual([1, expect.stringContaining('no authenticator app yet')])
  expect(await json('role', email, 'platform_admin', '--reason', 'first operator', '--without-app')).toMatchObject({
    uai,
    role: 'platform_admin',
  })
  const [row] = await owner`
    select data, metadata->>'actorType' as by from auth_gateway.event_store
    where stream_id = ${uai} and event_type = 'IdentityChanged' order by version desc limit 1`
  expect(row).toEqual({ data: { role: 'platform_admin', reason: 'first operator' }, by: 'operator' })
  for (const wrong of [
    ['role', uai, 'root'],
    ['role', uai],
    ['suspend', uai, 'admin'],
  ])
    expect((await cli(...wrong)).exitCode, wrong.join(' ')).toBe(2)
  expect(await json('role', uai, 'user')).toMatchObject({ role: 'user' })
})

test('0: an operator needs an app before the role; reset-factors removes it from a person who has lost it', async () => {
  const { uai } = person(1)
  const key = await gateway.store.subjectKey(uai)
  const sealed = gateway.personal.seal(uai, gateway.personal.unwrap(uai, key ?? new Uint8Array()), 'SECRET')
  await commit(createCall(gateway), async (work) => {
    const stream = work.start(totpAuthenticator, uuidv7(), { subject: uai })
    stream.decide((state) => enrol(state, { uai, step: 1, secret: Buffer.from(sealed, 'base64') }))
  })
  expect(await json('role', uai, 'admin')).toMatchObject({ role: 'admin' })
  await json('role', uai, 'user')
  await json('reset-factors', uai, '--reason', 'lost phone')
  const [row] = await owner`select data, metadata->>'actorType' as by from auth_gateway.event_store
    where event_type = 'TotpRemoved' and subject = ${uai}`
  expect(row).toEqual({ data: { reason: 'lost phone' }, by: 'operator' })
  expect((await cli('role', uai, 'admin')).exitCode).toBe(1)
})

test('0: suspend and reinstate are recorded with the reason', async () => {
  const { uai, email } = person(0)
  expect(await json('suspend', email, '--reason', 'fraud')).toMatchObject({ status: 'suspended' })
  expect(await json('reinstate', uai)).toMatchObject({ status: 'active' })
  const rows = await owner`
    select event_type as type, data->>'reason' as reason, metadata->>'actorType' as by from auth_gateway.event_store
    where stream_type = 'identity' and stream_id = ${uai} and version > 2 order by version`
  expect(rows).toEqual([
    { type: 'IdentitySuspended', reason: 'fraud', by: 'operator' },
    { type: 'IdentityReinstated', reason: 'operator', by: 'operator' },
  ])
})

test('1: no such identity', async () => {
  const nobody = { exitCode: 1, out: '', err: 'No such identity' }
  expect(await cli('show', 'nobody@example.test')).toEqual(nobody)
  expect(await cli('erase', '01900000-0000-7000-8000-000000000000')).toEqual(nobody)
})

test('2: wrong usage', async () => {
  expect(await cli('erase')).toMatchObject({ exitCode: 2, out: '' })
  expect(await cli('delete', person(0).uai)).toMatchObject({ exitCode: 2, out: '' })
})

describe('erase', () => {
  let erased: Person
  let receipt: Record<string, unknown>
  let sealedBefore: { challenge: string; keys: Buffer[] }

  beforeAll(async () => {
    erased = person(1)
    const challenges = await owner`
      select k.wrapped_key from auth_gateway.subject_keys k where k.subject in (${erased.uai}, ${erased.challengeId})`
    sealedBefore = { challenge: erased.challengeId, keys: challenges.map(({ wrapped_key }) => wrapped_key) }
    receipt = await json('erase', erased.email, '--reason', 'asked for it', '--backup-days', '7')
  })

  test('0: answers with a receipt', () => {
    expect(sealedBefore.keys).toHaveLength(2)
    expect(receipt).toMatchObject({
      uai: erased.uai,
      status: 'erased',
      event_id: expect.any(String),
      event_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      keys_left: 0,
      digests_left: 0,
    })
    expect(receipt.keys_destroyed).toBeGreaterThanOrEqual(2)
    const days = (Date.parse(String(receipt.backups_forget_by)) - Date.now()) / 86_400_000
    expect(days).toBeCloseTo(7, 1)
  })

  test('every chain holds and every rebuild is equal', async () => {
    expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
    expect((await rebuildModels(owner)).filter((one) => !isEqual(one))).toEqual([])
  })

  test('the address finds no one, neither a person nor a challenge', async () => {
    expect(await findIdentity(gateway, erased.email)).toBeUndefined()
    const digest = gateway.personal.digest(erased.email)
    const found = await findOtp(gateway.reads, gateway.personal, { digest, credentialKind: 'email', limits: [] })
    expect(found).toMatchObject({ challenge: undefined, person: undefined })
    expect(await owner`select 1 from auth_gateway.lookup_digests where digest = ${digest}`).toEqual([])
  })

  test('what was sealed stays in the events and no key opens it', async () => {
    const rows = await owner`
      select e.data->'sealed'->>'address' as sealed from auth_gateway.event_store e
      where e.stream_id in (${erased.uai}, ${erased.challengeId}) and e.data ? 'sealed'`
    expect(rows).toHaveLength(2)
    const keys = await owner`select subject, wrapped_key from auth_gateway.subject_keys`
    expect(keys.map(({ subject }) => subject)).not.toContain(erased.uai)
    expect(keys.map(({ subject }) => subject)).not.toContain(erased.challengeId)
    for (const { subject, wrapped_key } of keys) {
      const key = gateway.personal.unwrap(subject, wrapped_key)
      for (const { sealed } of rows)
        for (const owned of [subject, erased.uai, erased.challengeId])
          expect(() => gateway.personal.open(owned, key, sealed)).toThrow()
    }
  })

  test('leaves the others as they were', async () => {
    expect(await findIdentity(gateway, person(0).email)).toMatchObject({ uai: person(0).uai, email: person(0).email })
  })

  test('0: again changes nothing', async () => {
    const again = await json('erase', erased.uai)
    expect(again).toMatchObject({ ...receipt, keys_destroyed: 0, backups_forget_by: expect.any(String) })
  })

  test('1: an erased identity cannot come back', async () => {
    expect(await cli('reinstate', erased.uai)).toEqual({ exitCode: 1, out: '', err: `${erased.uai} is erased` })
  })

  test('0: the address may sign up again, as another person', async () => {
    const traffic = createTraffic(gateway)
    traffic.people.push({ ...erased })
    await traffic.actions.sendCode(3)
    traffic.people.length = 0
    await traffic.actions.signIn(0)
    const [anew] = traffic.people
    expect(anew).toMatchObject({ email: erased.email })
    expect(anew?.uai).not.toBe(erased.uai)
    expect(await findIdentity(gateway, erased.email)).toMatchObject({ uai: anew?.uai, status: 'active' })
    expect((await rebuildModels(owner)).filter((one) => !isEqual(one))).toEqual([])
  })
})

test('0: show counts no ended session and, unless offline, no tokens of one', async () => {
  const { uai } = person(0)
  const [before] = await owner`select count(*)::int as sessions from auth_gateway.sessions s
    where s.uai = ${uai} and auth_gateway.session_is_live(s)`
  expect(before?.sessions).toBeGreaterThan(0)
  for (let n = 0; n < 8; n++) await endSession(n)
  const [offline] = await owner`select count(*)::int as families from auth_gateway.token_families
    where uai = ${uai} and offline and revoked_at is null`
  expect(await json('show', uai)).toMatchObject({ sessions: 0, token_families: offline?.families })
})
