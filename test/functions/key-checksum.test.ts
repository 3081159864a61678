import { beforeAll, expect, test } from 'vitest'
import { newApiKey } from '../../shared/tokens/api-key.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { withClockAhead } from '../support/time.ts'

const gateway = useGateway({ countStatements: true })
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const verify = async (key: string) => (await api(gateway, 'POST', '/v1/auth/verify-api-key', { key })).status
const typo = (key: string) => key.replace(/.$/, (last) => (last === '0' ? '1' : '0'))

test('401 for a typo or a made-up key without a look-up, while every key was issued here', async () => {
  const { key } = await newKey(gateway, ada)
  await verify(typo(key))
  gateway.takeStatements()
  for (const wrong of [typo(key), `lano_${'ab'.repeat(32)}`, typo(newApiKey().key)])
    expect(await verify(wrong)).toBe(401)
  // The record of each refusal, and of the last one the look-up too.
  expect(gateway.takeStatements()).toBe(3)
  expect(await verify(newApiKey().key)).toBe(401)
  expect(gateway.takeStatements()).toBe(2)
})

test('200 for a key of the same pattern that was issued elsewhere, within a minute of its import', async () => {
  const older = `lano_${'cd'.repeat(32)}`
  const { id } = await newKey(gateway, ada)
  await gateway.sql`update auth_gateway.api_key_secrets set hash = ${hashToken(older)} where key_id = ${id}`
  await gateway.sql`update auth_gateway.api_keys set origin = 'import' where id = ${id}`
  expect(await withClockAhead(61_000, () => verify(older))).toBe(200)
})
