import { beforeAll, describe, expect, test } from 'vitest'
import { apiKeys } from '../../scripts/api-keys.ts'
import { identities } from '../../scripts/identities.ts'
import { isEqual, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { call } from './terminal.ts'

const gateway = useGateway()
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const env = () => ({
  DATABASE_MIGRATION_URL: gateway.database.ownerUrl,
  AUTH_MASTER_SECRET: process.env.AUTH_MASTER_SECRET,
  NODE_ENV: 'test',
})
const cli = (...args: string[]) => call(apiKeys, env(), ...args)
const verify = (key: string) => api(gateway, 'POST', '/v1/auth/verify-api-key', { key })

test('0: list and show print everything but the secret', async () => {
  const key = await newKey(gateway, ada, { name: 'Shown' })
  const listed = await cli('list', ada.email)
  expect(listed).toMatchObject({ exitCode: 0, err: '' })
  expect(listed.out).toContain(key.id)
  const shown = await cli('show', key.id, '--json')
  expect(JSON.parse(shown.out)).toMatchObject({
    name: 'Shown',
    history: [{ type: 'ApiKeyCreated', actor_id: ada.uai }],
  })
  expect(listed.out + shown.out).not.toContain(key.key)
  expect(listed.out + shown.out).not.toContain(hashToken(key.key))
})

test('0: revoke ends a key for the next request, with operator and reason', async () => {
  const key = await newKey(gateway, ada)
  const revoked = await cli('revoke', key.id, '--reason', 'abuse', '--json')
  expect(JSON.parse(revoked.out)).toMatchObject({ status: 'revoked' })
  expect(JSON.parse(revoked.out).history.at(-1)).toMatchObject({ actor_type: 'operator', reason: 'abuse' })
  expect((await verify(key.key)).status).toBe(401)
})

test('0: import takes over a key by its hash, once', async () => {
  const text = 'vx_from-the-old-gateway-0123456789'
  const args = ['import', ada.email, '--name', 'Old', '--hash', hashToken(text), '--scope', 'memories:write']
  expect(await cli(...args)).toMatchObject({ exitCode: 0 })
  expect(await verify(text)).toMatchObject({ status: 200, body: { permissions: ['memories:write'] } })
  expect(await cli(...args)).toMatchObject({ exitCode: 1, err: 'That key already exists' })
})

describe('refused', () => {
  test.each([
    [2, []],
    [2, ['dance']],
    [2, ['show']],
    [2, ['import', 'a@example.com']],
    [2, ['import', 'a@example.com', '--name', 'x', '--hash', 'ABC']],
    [1, ['show', '0195d000-0000-7000-8000-0000000000ff']],
    [1, ['list', 'nobody@example.com']],
  ])('%i for %j', async (exitCode, args) => {
    expect((await cli(...args)).exitCode).toBe(exitCode)
  })
})

test('erasing a person leaves keys that no one can read or use, and models that a rebuild reproduces', async () => {
  const eve = await directSignIn(gateway)
  const key = await newKey(gateway, eve, { name: 'A name to forget' })
  await call(identities, env(), 'erase', eve.uai)
  expect((await verify(key.key)).status).toBe(401)
  const shown = JSON.parse((await cli('show', key.id, '--json')).out)
  expect(shown).toMatchObject({ name: '', description: null })
  const [row] = await gateway.sql`select name_digest from auth_gateway.api_keys where id = ${key.id}`
  expect(row?.name_digest).toBeNull()
  expect((await rebuildModels(gateway.sql)).filter((one) => !isEqual(one))).toEqual([])
  expect(await verifyEvents(gateway.sql)).toMatchObject({ ok: true })
})
