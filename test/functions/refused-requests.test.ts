import { afterAll, beforeAll, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, startGateway, type TestGateway } from '../support/gateway.ts'

const KEYS = '/api/v1/api-keys'

let gateway: TestGateway
let ada: DirectSignIn
beforeAll(async () => {
  gateway = await startGateway()
  ada = await directSignIn(gateway)
})
afterAll(() => gateway?.stop())

const refuse = (ip: string, token?: string) =>
  api(gateway, 'POST', KEYS, { token, body: { name: 'x', scopes: ['admin:*'] }, headers: { [IP_HEADER]: ip } })

test('403 is recorded with who asked for what, and nothing of what was sent', async () => {
  expect((await refuse('198.18.1.1', ada.token)).status).toBe(403)
  const [recorded] = await gateway.sql`select * from auth_gateway.refused_requests where uai = ${ada.uai}`
  expect(recorded).toMatchObject({
    method: 'POST',
    route: '/v1/auth/api-keys',
    refusal: 'SCOPE_NOT_ALLOWED',
    client_id: 'lanonasis-cli',
  })
  expect(JSON.stringify(await eventsOf(gateway, 'refused_request'))).not.toContain(ada.token)
})

test('401 and 413 of nobody are recorded too', async () => {
  const huge = await api(gateway, 'POST', KEYS, { body: 'x'.repeat(70_000), headers: { [IP_HEADER]: '198.18.2.1' } })
  expect(huge.status).toBe(413)
  await refuse('198.18.2.1')
  const refusals = (await eventsOf(gateway, 'refused_request')).map(({ data }) => data.refusal)
  expect(refusals).toEqual(expect.arrayContaining(['PAYLOAD_TOO_LARGE', 'AUTH_REQUIRED']))
})

test('past the limit of a network the answers stay, the records stop', async () => {
  const before = (await eventsOf(gateway, 'refused_request')).length
  const answers = await Promise.all(Array.from({ length: 70 }, (_, n) => refuse(`198.18.3.${n}`)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  expect(await eventsOf(gateway, 'refused_request')).toHaveLength(before + 60)
})
