import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientCredentialsScenario, registerService } from '../bench/services.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { useGateway } from '../support/gateway.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await registerService(database)
})
afterAll(() => database?.drop())
const gateway = useGateway(() => ({ database }))

test('a gateway with a master secret of its own starts on a prepared database, and serves the service', async () => {
  const { method, path, headers, body } = clientCredentialsScenario.next()
  const response = await fetch(`${gateway.url}${path}`, { method, headers, body })
  expect([response.status, (await response.json()).token_type]).toEqual([200, 'Bearer'])
})
