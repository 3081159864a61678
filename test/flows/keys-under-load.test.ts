import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { keys } from '../../scripts/keys.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { createTraffic } from '../chaos/flows.ts'
import { call } from '../scripts/terminal.ts'
import { useGateway } from '../support/gateway.ts'

const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
const gateway = useGateway({ env: { AUTH_MASTER_SECRET: `${first}|${second}`, KEY_RING_SECONDS: '1' } })

test('no request fails while the root and every key are replaced, and the process uses the new keys', async () => {
  const traffic = createTraffic(gateway)
  const workers = [1, 2, 3].map(() => traffic.work(Math.random))
  await expect.poll(() => traffic.acknowledged.rotations.length > 0, { timeout: 20_000 }).toBe(true)
  const owner = { ...process.env, DATABASE_MIGRATION_URL: gateway.database.ownerUrl }
  const done = []
  for (const command of [['rotate-root'], ['rewrap', '--known', '3', '--overlap', '1']])
    done.push(await call(keys, { ...owner, AUTH_MASTER_SECRET: `${second}|${first}` }, ...command))
  expect(done.map(({ exitCode, err }) => [exitCode, err])).toEqual([
    [0, ''],
    [0, ''],
  ])
  const epochs = () => {
    const keysOfHooks = gateway.gateway.ring.all().filter(({ purpose }) => purpose === 'hook-secret')
    return keysOfHooks.map(({ epoch }) => epoch)
  }
  await expect.poll(epochs, { timeout: 10_000 }).toEqual([2])
  traffic.stop()
  await Promise.all(workers)
  expect(traffic.violations).toEqual([])
  expect([...traffic.statuses.keys()].sort()).toEqual([200, 201])
  expect((await verifyEvents(gateway.sql)).faults).toEqual([])
}, 60_000)
