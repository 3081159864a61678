import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as identities from '../../shared/domain/identity.ts'
import * as otp from '../../shared/domain/otp-challenge.ts'
import { type CommitContext, commit } from '../../shared/events/commit.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { testGateway } from '../projections/traffic.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let gateway: Gateway
let owner: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  gateway = await testGateway(database)
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
})

afterAll(async () => {
  await Promise.all([gateway?.close(), owner?.end()])
  await database?.drop()
})

const ORIGIN = { clientIp: '198.51.100.7', userAgent: 'CommitTest/1.0' }
const context = (request: Partial<CommitContext['request']> = {}): CommitContext => ({
  gateway,
  request: { id: uuidv7(), ...request },
})
const address = 'Ada@Example.com'
const issued = () =>
  otp.issue({
    channel: 'email',
    address,
    lookup: 'ada@example.com',
    networkLookup: 'ada@example.com 192.0.2',
    codeHash: 'right',
    now: new Date(),
  })
const guess = (matches: boolean) => (state: otp.OtpChallenge) =>
  otp.verify(state, { matches, sameBrowser: true, uai: uuidv7(), now: new Date() })

async function newChallenge(request = {}): Promise<string> {
  const id = uuidv7()
  await commit(context(request), async (work) => {
    work.start(otp.otpChallenge, id, { subject: id }).decide(issued)
  })
  return id
}

const eventsOf = (id: string) => owner`
  select event_id, version, event_type as type, subject, schema_version, data, metadata from auth_gateway.event_store
  where stream_id = ${id} order by version`

describe('a unit of work', () => {
  test('takes the steps of its end in the same commit and then their tasks, but neither when it is refused', async () => {
    const done: string[] = []
    const runs = async (matches: boolean) => {
      const [id, other] = [await newChallenge(), uuidv7()]
      const run = commit(context(), async (work) => {
        work.atEnd(() => {
          work.start(otp.otpChallenge, other, { subject: other }).decide(issued)
          return () => void done.push(other)
        })
        const stream = await work.load(otp.otpChallenge, id, { subject: id })
        stream.decide(guess(matches))
      })
      return {
        other,
        refused: await run.then(
          () => false,
          () => true,
        ),
        ends: (await eventsOf(other)).length,
      }
    }
    const good = await runs(true)
    expect(good).toMatchObject({ refused: false, ends: 1 })
    expect(await runs(false)).toMatchObject({ refused: true, ends: 0 })
    expect(done).toEqual([good.other])
  })

  test('answers with what its block answers, and appends nothing when nothing was decided', async () => {
    const id = await newChallenge()
    const status = await commit(context(), async (work) => {
      const stream = await work.load(otp.otpChallenge, id, { subject: id })
      return stream.state.status
    })
    expect(status).toBe('open')
    expect(await eventsOf(id)).toHaveLength(1)
  })

  test('records the facts of a refused decision, then refuses', async () => {
    const id = await newChallenge()
    const refused = commit(context(), async (work) => {
      const stream = await work.load(otp.otpChallenge, id, { subject: id })
      stream.decide(guess(false))
      throw new Error('not reached')
    })
    await expect(refused).rejects.toMatchObject({ name: 'GatewayError', refusal: 'otp_invalid', status: 400 })
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual(['OtpChallengeIssued', 'OtpAttemptFailed'])
  })

  test('records nothing when its block fails', async () => {
    const id = uuidv7()
    const failing = commit(context(), async (work) => {
      work.start(otp.otpChallenge, id, { subject: id }).decide(issued)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await eventsOf(id)).toEqual([])
  })

  test('runs its block again on the new state after a concurrent commit', async () => {
    const id = await newChallenge()
    const seen: number[] = []
    await commit(context(), async (work) => {
      const stream = await work.load(otp.otpChallenge, id, { subject: id })
      seen.push(stream.state.status === 'open' ? stream.state.attempts : -1)
      if (seen.length < 3)
        await commit(context(), async (other) =>
          (await other.load(otp.otpChallenge, id, { subject: id })).decide(guess(false)),
        ).catch(() => undefined)
      stream.decide(guess(true))
    })
    expect(seen).toEqual([0, 1, 2])
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
      'OtpChallengeIssued',
      'OtpAttemptFailed',
      'OtpAttemptFailed',
      'OtpChallengeConsumed',
    ])
  })

  test('runs again when a stream that it only holds was changed meanwhile, and leaves that stream unchanged', async () => {
    const [held, id] = [await newChallenge(), uuidv7()]
    let runs = 0
    await commit(context(), async (work) => {
      runs += 1
      const stream = await work.load(otp.otpChallenge, held, { subject: held })
      stream.hold()
      if (runs === 1)
        await commit(context(), async (other) =>
          (await other.load(otp.otpChallenge, held, { subject: held })).decide(guess(false)),
        ).catch(() => undefined)
      work.start(otp.otpChallenge, id, { subject: id }).decide(issued)
    })
    expect(runs).toBe(2)
    expect((await eventsOf(held)).map(({ type }) => type)).toEqual(['OtpChallengeIssued', 'OtpAttemptFailed'])
    await commit(context(), async (work) =>
      (await work.load(otp.otpChallenge, held, { subject: held })).decide(guess(true)),
    )
    const chain = await owner`
      select previous_hash, hash from auth_gateway.event_store where stream_id = ${held} order by version`
    expect(chain[2]?.previous_hash).toEqual(chain[1]?.hash)
  })

  test('gives up with service_unavailable when a stream stays contended', async () => {
    const id = await newChallenge()
    let runs = 0
    const hopeless = commit(context(), async (work) => {
      runs += 1
      const at = { state: { status: 'open', codeHash: 'x', expiresAt: new Date(), attempts: 0 } as const, version: 9 }
      work.resume(otp.otpChallenge, id, at, { subject: id }).decide((state) => otp.replace(state, uuidv7()))
    })
    await expect(hopeless).rejects.toMatchObject({ refusal: 'service_unavailable', options: { retryAfter: 1 } })
    expect(runs).toBeGreaterThan(5)
  })

  test('of 20 that consume one challenge at once exactly one succeeds', async () => {
    const id = await newChallenge()
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        commit(context(), async (work) => {
          const stream = await work.load(otp.otpChallenge, id, { subject: id })
          stream.decide(guess(true))
        }),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refusals = results.flatMap((one) => (one.status === 'rejected' ? [one.reason.refusal] : []))
    expect(refusals).toEqual(Array(19).fill('otp_invalid'))
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual(['OtpChallengeIssued', 'OtpChallengeConsumed'])
  })

  test('is refused as it asks for when a rate limit is full, and says how long to wait', async () => {
    const limit = { bucket: uuidv7(), seconds: 60, max: 1 }
    const limited = (id: string) =>
      commit(context(), async (work) => {
        work.limits = [limit]
        work.limitRefusal = 'otp_rate_limited'
        work.start(otp.otpChallenge, id, { subject: id }).decide(issued)
      })
    await limited(uuidv7())
    const refused = uuidv7()
    const error = await limited(refused).catch((reason) => reason)
    expect(error).toMatchObject({ refusal: 'otp_rate_limited', status: 429 })
    expect(error.options.retryAfter).toBeGreaterThan(50)
    expect(await eventsOf(refused)).toEqual([])
  })
})

describe('what a unit of work writes', () => {
  test('metadata is set by the server: request, cause, actor; events of one unit follow from each other', async () => {
    const id = await newChallenge()
    const request = context()
    await commit(request, async (work) => {
      work.actor = { type: 'person', id: 'uai', clientId: 'client', sessionId: 'session' }
      const stream = await work.load(otp.otpChallenge, id, { subject: id })
      stream.decide(() => ({ events: [{ type: 'OtpAttemptFailed', data: { attempt: 1 } }] }))
      stream.decide((state) => otp.replace(state, uuidv7()))
    })
    const [, delivered, replaced] = await eventsOf(id)
    const requestId = request.request.id
    const facts = { actorType: 'person', actor: 'uai', clientId: 'client', sessionId: 'session', requestId }
    expect(delivered?.metadata).toEqual({ ...facts, correlationId: requestId })
    expect(replaced?.metadata).toEqual({ ...facts, correlationId: requestId, causationId: delivered?.event_id })
    expect(replaced).toMatchObject({ schema_version: 1, subject: id })
  })

  test('personal data and origin are sealed under the key of their subject, and found by digest', async () => {
    const id = await newChallenge(ORIGIN)
    const [event] = await eventsOf(id)
    const text = JSON.stringify(event)
    for (const secret of [address, address.toLowerCase(), ORIGIN.clientIp, ORIGIN.userAgent])
      expect(text).not.toContain(secret)
    const wrapped = await gateway.store.subjectKey(id)
    const key = gateway.personal.unwrap(id, wrapped ?? new Uint8Array())
    expect(gateway.personal.open(id, key, event?.data.sealed.address)).toBe(address)
    expect(JSON.parse(gateway.personal.open(id, key, event?.metadata.origin))).toEqual({
      ip: ORIGIN.clientIp,
      userAgent: ORIGIN.userAgent,
    })
    expect(() => gateway.personal.open(uuidv7(), key, event?.data.sealed.address)).toThrow()
    const rows =
      await owner`select kind, subject from auth_gateway.lookup_digests where event_id = ${event?.event_id} order by kind`
    expect(rows).toEqual([
      { kind: 'otp_address', subject: id },
      { kind: 'otp_network_address', subject: id },
    ])
  })

  test('the same value is sealed differently every time', async () => {
    const sealed = await Promise.all(
      [1, 2].map(async () => (await eventsOf(await newChallenge()))[0]?.data.sealed.address),
    )
    expect(new Set(sealed).size).toBe(2)
  })

  test('nothing personal is written for a subject whose key was destroyed', async () => {
    const id = await newChallenge(ORIGIN)
    await owner`delete from auth_gateway.subject_keys where subject = ${id}`
    await commit(context(ORIGIN), async (work) => {
      const stream = await work.load(otp.otpChallenge, id, { subject: id })
      stream.decide((state) => otp.replace(state, uuidv7()))
    })
    const [, replaced] = await eventsOf(id)
    expect(replaced?.type).toBe('OtpChallengeReplaced')
    expect(replaced?.metadata).not.toHaveProperty('origin')
    expect(await gateway.store.subjectKey(id)).toBeUndefined()
  })

  test('a person and their first credential share one key, and the second event of a unit is sealed under it too', async () => {
    const uai = uuidv7()
    const input = {
      organizationId: uuidv7(),
      credentials: [
        {
          credentialId: uuidv7(),
          kind: 'email' as const,
          verified: true,
          evidence: { method: 'otp', challengeId: uuidv7() },
          address,
          lookup: `${uai}@x.test`,
        },
      ],
    }
    await commit(context(ORIGIN), async (work) => {
      work.start(identities.identity, uai, { subject: uai }).decide(() => identities.create(input))
    })
    const key = gateway.personal.unwrap(uai, (await gateway.store.subjectKey(uai)) ?? new Uint8Array())
    const [created, linked] = await eventsOf(uai)
    expect(JSON.parse(gateway.personal.open(uai, key, created?.metadata.origin))).toMatchObject({ ip: ORIGIN.clientIp })
    expect(gateway.personal.open(uai, key, linked?.data.sealed.address)).toBe(address)
  })
})
