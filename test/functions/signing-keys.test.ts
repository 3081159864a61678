import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway } from '../../shared/gateway.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway?.stop())

test('one key per algorithm when twenty requests and three instances meet an empty database', async () => {
  const instances = [1, 2, 3].map(() => createGateway(gateway.gateway.config))
  try {
    const requests = Array.from({ length: 20 }, () => fetch(`${gateway.url}/oauth/jwks.json`))
    await Promise.all([...requests, ...instances.flatMap(({ keys }) => [keys.published(), keys.active('ES256')])])
    const rows = await gateway.sql`select alg from auth_gateway.signing_keys order by alg`
    expect(rows.map(({ alg }) => alg)).toEqual(['ES256', 'RS256'])
  } finally {
    for (const instance of instances) await instance.close()
  }
})
