import { existsSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isEqual, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { PGBOUNCER } from '../support/pooler.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  NATIVE,
  newVerifier,
  post,
  postJson,
  signIn,
} from '../support/sign-in.ts'

let database: TestDatabase
let gateway: TestGateway
let owner: postgres.Sql

const refresh = (refresh_token: string) =>
  post(gateway, '/oauth/token', { grant_type: 'refresh_token', ...NATIVE, refresh_token })
const isActive = async (token: string) => (await post(gateway, '/oauth/introspect', { token })).body.active

describe.skipIf(!existsSync(PGBOUNCER))('two processes behind nginx, in front of PgBouncer in transaction mode', () => {
  beforeAll(async () => {
    process.env.SCALED_OUT = '1'
    database = await createTestDatabase()
    gateway = await startGateway({ database })
    owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  }, 60_000)
  afterAll(async () => {
    await owner?.end()
    await gateway?.stop()
    await database?.drop()
    delete process.env.SCALED_OUT
  }, 30_000)

  test('one is as good as the other: ten people go through every core flow at once', async () => {
    const work = async () => {
      const person = await signIn(gateway)
      const tokens = await getTokens(gateway, person)
      const headers = { authorization: `Bearer ${tokens.access_token}` }
      const me = await fetch(`${gateway.url}/oauth/userinfo`, { headers })
      expect([me.status, (await me.json()).sub]).toEqual([200, person.uai])
      const rotated = await refresh(tokens.refresh_token)
      expect(rotated.status).toBe(200)
      const looks = await Promise.all(Array.from({ length: 6 }, () => isActive(rotated.body.access_token)))
      expect(looks).toEqual(Array(6).fill(true))
      const started = await post(gateway, '/oauth/device', { client_id: 'lanonasis-cli' })
      expect(started.status).toBe(200)
      const page = await person.browser.visit(`/device?user_code=${started.body.user_code}`)
      expect(page.status).toBe(200)
      await post(gateway, '/oauth/revoke', { client_id: NATIVE.client_id, token: rotated.body.refresh_token })
      const after = await Promise.all(Array.from({ length: 6 }, () => isActive(rotated.body.access_token)))
      expect(after).toEqual(Array(6).fill(false))
    }
    await Promise.all(Array.from({ length: 10 }, work))
  }, 60_000)

  test('what may happen once happens once, whichever process it reaches', async () => {
    const person = await signIn(gateway)
    const verifier = newVerifier()
    const code = (await authorize(person.browser, authorizeParams(verifier))).get('code') ?? ''
    const redemption = { grant_type: 'authorization_code', ...NATIVE, code, code_verifier: verifier }
    const redeemed = await Promise.all(Array.from({ length: 20 }, () => post(gateway, '/oauth/token', redemption)))
    expect(redeemed.filter(({ status }) => status === 200)).toHaveLength(1)

    const email = `${crypto.randomUUID()}@example.com`
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const otp = { email, token: gateway.inbox.codeFor(email), platform: 'cli' }
    const verified = await Promise.all(Array.from({ length: 20 }, () => postJson(gateway, '/v1/auth/otp/verify', otp)))
    expect(verified.filter(({ status }) => status === 200)).toHaveLength(1)
  }, 60_000)

  test('limits count for both together', async () => {
    const email = `${crypto.randomUUID()}@example.com`
    const send = () => postJson(gateway, '/v1/auth/otp/send', { email })
    const statuses = (await Promise.all(Array.from({ length: 20 }, send))).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, ...Array(19).fill(429)])
  }, 30_000)

  test('afterwards every chain verifies and every read model equals its events', async () => {
    expect((await rebuildModels(owner)).filter((one) => !isEqual(one))).toEqual([])
    expect(await verifyEvents(owner)).toMatchObject({ ok: true, faults: [] })
  }, 30_000)
})
