import fc from 'fast-check'
import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isEqual, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { createCall } from '../../shared/call.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit, type Work } from '../../shared/events/commit.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { createIdentity } from '../../shared/people/create-identity.ts'
import { externalCredential, externalLookup, linkAccount } from '../../shared/people/external-account.ts'
import { mergeIdentities, refuseStranding, splitIdentity } from '../../shared/people/identities.ts'
import { removeSignInMethod } from '../../shared/people/sign-in-methods.ts'
import { listCredentials } from '../../shared/queries/credentials.ts'
import { findPerson, resolveMany } from '../../shared/queries/identities.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { testGateway } from './traffic.ts'

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

const unit = <T>(block: (work: Work) => Promise<T>): Promise<T | undefined> =>
  commit(createCall(gateway), block).catch((error: unknown) => {
    if (error instanceof GatewayError && error.status < 500) return undefined
    throw error
  })
const account = (n: number, run: string) => ({
  provider: 'stripe',
  externalId: `${run}-${n}`,
  method: 'service',
  assertedBy: 'crm',
})

/** What should be: who is whose part, and which account is whose. */
type Model = { parent: Map<string, string>; holder: Map<number, string> }
const rootOf = ({ parent }: Model, uai: string): string => {
  const above = parent.get(uai)
  return above ? rootOf({ parent } as Model, above) : uai
}

const isPart = ({ parent }: Model, uai: string, of: string): boolean => {
  const above = parent.get(uai)
  return uai === of || (above !== undefined && isPart({ parent } as Model, above, of))
}

const step = fc.tuple(fc.constantFrom('signIn', 'link', 'unlink', 'merge', 'split'), fc.nat(9), fc.nat(9))

test('any order of sign-in, link, unlink, merge and split keeps one credential to one identity, resolves every UAI, and rebuilds alike', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
      const run = uuidv7()
      const model: Model = { parent: new Map(), holder: new Map() }
      const people: string[] = []
      const personOf = async (n: number) => {
        const uai = people[n % people.length]
        return uai ? findPerson(gateway.reads, gateway.personal, uai) : undefined
      }
      const actions: Record<string, (a: number, b: number) => Promise<unknown>> = {
        async signIn(a) {
          const digest = gateway.personal.digest(externalLookup('stripe', account(a, run).externalId))
          const [known] = await resolveMany(gateway.reads, [{ digest }])
          if (known) return expect(known).toBe(rootOf(model, model.holder.get(a) ?? ''))
          const uai = uuidv7()
          await unit(async (work) =>
            createIdentity(work, { uai, credentials: [externalCredential(account(a, run))], now: new Date() }),
          )
          people.push(uai)
          model.holder.set(a, uai)
        },
        async link(a, b) {
          const person = await personOf(b)
          if (!person) return
          const done = await unit(async (work) => {
            await linkAccount(gateway, work, account(a, run), { person, sessionId: run })
            return true
          })
          expect(done === true).toBe(!model.holder.has(a) || rootOf(model, model.holder.get(a) ?? '') === person.uai)
          if (done && !model.holder.has(a)) model.holder.set(a, person.uai)
        },
        async unlink(a) {
          const person = await findPerson(gateway.reads, gateway.personal, model.holder.get(a) ?? run)
          if (!person) return
          const all = await listCredentials(gateway.reads, gateway.personal, person)
          const one = all.find(({ address }) => address === account(a, run).externalId)
          const input = { person, credentialId: one?.id ?? '', reason: 'person', act: () => {} }
          const done = await removeSignInMethod(createCall(gateway), input).then(
            () => true,
            () => false,
          )
          expect(done).toBe(all.length > 1)
          if (done) model.holder.delete(a)
        },
        async merge(a, b) {
          const [survivor, retired] = [await personOf(a), await personOf(b)]
          if (!survivor || !retired) return
          const done = await unit(async (work) => {
            await mergeIdentities(work, { survivor, retired, evidence: { method: 'both_signed_in' } })
            return true
          })
          expect(done === true).toBe(survivor.uai !== retired.uai)
          if (done) model.parent.set(retired.uai, survivor.uai)
        },
        async split(a) {
          const uai = people[a % people.length]
          if (!uai) return
          const done = await unit(async (work) => {
            await refuseStranding(gateway, work, uai)
            await splitIdentity(work, { uai, reason: 'wrong merge' })
            return true
          })
          const root = rootOf(model, uai)
          const held = [...model.holder.values()].filter((one) => rootOf(model, one) === root)
          const own = held.filter((one) => isPart(model, one, uai)).length
          const mayPart = model.parent.has(uai) && own > 0 && own < held.length
          expect(done === true).toBe(mayPart)
          if (mayPart) model.parent.delete(uai)
        },
      }
      for (const [name, a, b] of steps) {
        await actions[name]?.(a, b)
        const resolved = await resolveMany(
          gateway.reads,
          people.map((uai) => ({ uai })).concat(people.length ? [] : [{ uai: run }]),
        )
        expect(resolved.slice(0, people.length)).toEqual(people.map((uai) => rootOf(model, uai)))
      }
      const rows =
        await owner`select digest, count(*)::int as holders from auth_gateway.credentials where kind = 'external' group by 1 having count(*) > 1`
      expect([...rows]).toEqual([])
      for (const [n, uai] of model.holder) {
        const digest = gateway.personal.digest(externalLookup('stripe', account(n, run).externalId))
        expect(await resolveMany(gateway.reads, [{ digest }])).toEqual([rootOf(model, uai)])
      }
    }),
    { numRuns: 25 },
  )
  // Every sequence is in the log by now.
  const results = await rebuildModels(owner)
  expect(results.filter((one) => !isEqual(one))).toEqual([])
}, 120_000)
