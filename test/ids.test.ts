import { randomBytes } from 'node:crypto'
import { UUID } from 'uuidv7'
import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '../shared/config.ts'
import { createGateway } from '../shared/gateway.ts'
import { cellOf, idFrom, newId, useCell } from '../shared/ids.ts'
import { firstKeys } from '../shared/tokens/key-ring.ts'

afterEach(() => useCell(0))

const CELLS = [0, 1, 2, 3, 4, 511, 512, 1022, 1023]

test.each(CELLS)('an id of cell %i is a uuid v7 of now that says so', (cell) => {
  useCell(cell)
  const before = Date.now()
  const id = newId()
  const uuid = UUID.parse(id)
  expect(id).toBe(uuid.toString())
  expect([uuid.getVersion(), cellOf(id)]).toEqual([7, cell])
  const at = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  expect(at >= before && at <= Date.now()).toBe(true)
})

test('ids of one process are unique and sort by when they were made', () => {
  useCell(1023)
  const ids = Array.from({ length: 20_000 }, newId)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.toSorted()).toEqual(ids)
})

test('the cell leaves the other bits random', () => {
  useCell(682)
  const tails = new Set(Array.from({ length: 5_000 }, () => newId().slice(30)))
  expect(tails.size > 4_900).toBe(true)
  expect(new Set([...tails].map((tail) => Number.parseInt(tail.charAt(0), 16) >> 2))).toEqual(new Set([2]))
})

test('an id from a time and bytes is the same each time, and of the cell of the process', () => {
  const [at, bytes] = [new Date('2031-02-03T04:05:06.789Z'), randomBytes(32)]
  useCell(77)
  const id = idFrom(at, bytes)
  expect(idFrom(at, bytes)).toBe(id)
  expect(idFrom(at, randomBytes(32))).not.toBe(id)
  expect(idFrom(new Date(at.getTime() + 1), bytes) > id).toBe(true)
  expect([UUID.parse(id).getVersion(), cellOf(id)]).toEqual([7, 77])
  useCell(78)
  expect(cellOf(idFrom(at, bytes))).toBe(78)
})

test('what a new database begins with is of cell 0', () => {
  expect(cellOf('0195d000-0000-7000-8000-000000003001')).toBe(0)
})

test('the setting CELL is the cell of a gateway', async () => {
  const env = { NODE_ENV: 'test', DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  const gateway = createGateway(loadConfig({ ...env, CELL: '600' }), firstKeys())
  expect(cellOf(newId())).toBe(600)
  await gateway.close()
  expect(() => loadConfig({ ...env, CELL: '1024' })).toThrow('CELL: ')
  expect(loadConfig(env).CELL).toBe(0)
})
