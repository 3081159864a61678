import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort, isPortBusy } from '../../scripts/lib/ports.ts'
import { createService, type Service } from '../../scripts/lib/service.ts'

let folder: string
let port: number
let lines: string[]
let service: Service

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'service-'))
  port = await freePort()
  lines = []
})
afterEach(async () => {
  await service.stop()
  await rm(folder, { recursive: true, force: true })
})

function create(program: string): Service {
  service = createService({
    name: 'the program',
    port,
    portVariable: 'PORT',
    command: process.execPath,
    args: ['-e', program],
    pidFile: path.join(folder, 'program.pid'),
    log: (line) => void lines.push(line),
  })
  return service
}
const listening = () => `require('net').createServer().listen(${port}, '127.0.0.1')`
const pid = async () => Number(await readFile(path.join(folder, 'program.pid'), 'utf8'))

test('a program that is killed is started again, with the reason, and later each time', async () => {
  expect(await create(listening()).start()).toBe(true)
  const first = await pid()
  process.kill(first, 'SIGKILL')
  await expect
    .poll(() => lines)
    .toEqual(['ended unexpectedly (killed by SIGKILL): restarting in 0.25 s', 'ready again'])
  expect(await isPortBusy(port)).toBe(true)
  const second = await pid()
  expect(second).not.toBe(first)
  process.kill(second, 'SIGTERM')
  await expect
    .poll(() => lines.slice(2))
    .toEqual(['ended unexpectedly (killed by SIGTERM): restarting in 0.5 s', 'ready again'])
})

test('a program that ends with an error after it was ready is started again, with the exit code', async () => {
  expect(await create(`${listening()}; setTimeout(() => process.exit(3), 1500)`).start()).toBe(true)
  await expect
    .poll(() => lines.slice(0, 2))
    .toEqual(['ended unexpectedly (exit code 3): restarting in 0.25 s', 'ready again'])
})

test('a program that ends before it is ready is left until a file changes', async () => {
  expect(await create('process.exit(3)').start()).toBe(false)
  await expect.poll(() => lines).toEqual(['ended before it was ready (exit code 3): it restarts when a file changes'])
})

test('a program that was asked to end stays away', async () => {
  expect(await create(listening()).start()).toBe(true)
  await service.stop()
  expect([await isPortBusy(port), lines]).toEqual([false, []])
})
