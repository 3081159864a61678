import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { PGBOUNCER, type Pooler, startPooler } from '../support/pooler.ts'
import { getTokens, NATIVE, post, signIn } from '../support/sign-in.ts'

let database: TestDatabase
let pooler: Pooler
let gateway: TestGateway

describe.skipIf(!existsSync(PGBOUNCER))('through a transaction-mode pooler with two connections', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    pooler = await startPooler(database.appUrl, 2)
    gateway = await startGateway({ database: { ...database, appUrl: pooler.url } })
  })
  afterAll(async () => {
    await gateway?.stop()
    await pooler?.stop()
    await database?.drop()
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
