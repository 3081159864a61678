import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAlive, killLeftOver } from '../../scripts/lib/left-over.ts'

let folder: string
let pidFile: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'left-over-'))
  pidFile = path.join(folder, 'service.pid')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function leaveBehind(): Promise<{ pid: number; end(): void }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'netlify/server.ts'])
  await writeFile(pidFile, `${child.pid}\n`)
  return { pid: child.pid ?? 0, end: () => void child.kill('SIGKILL') }
}

test('a service that a hard kill left behind is ended', async () => {
  const { pid } = await leaveBehind()
  await killLeftOver(pidFile, 'netlify/server.ts')
  expect(isAlive(pid)).toBe(false)
  expect(existsSync(pidFile)).toBe(false)
})

test('another program that got the same process id is left alone', async () => {
  const { pid, end } = await leaveBehind()
  await killLeftOver(pidFile, 'scripts/mailbox.ts')
  expect(isAlive(pid)).toBe(true)
  expect(existsSync(pidFile)).toBe(false)
  end()
})

test('nothing happens where nothing was left', async () => {
  await expect(killLeftOver(pidFile, 'netlify/server.ts')).resolves.toBeUndefined()
})
